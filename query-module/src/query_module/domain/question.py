"""What people type into the search field, made into the text of a PostgreSQL tsquery."""

import re
from dataclasses import dataclass

from artstore_kit.contracts.errors import FieldProblem, InvalidFields
from query_module.domain.words import cut, uncut

LONGEST_QUESTION = 1000
MOST_WORDS = 50
SHORTEST_PREFIX = 2

_TERM = re.compile(r'(?P<minus>-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_OR = {"or", "или", "|"}


@dataclass(frozen=True)
class _Term:
    words: tuple[str, ...]
    uncut: str = ""
    wanted: bool = True
    is_prefix: bool = False

    def to_tsquery(self) -> str:
        quoted = [f"'{word}'" for word in self.words]
        if self.is_prefix:
            quoted[-1] += ":*"
        text = " <-> ".join(quoted)
        if self.uncut:
            text = f"({text}) | '{self.uncut}'"
        return ("" if self.wanted else "!") + f"({text})"


def to_tsquery(question: str) -> str:
    """The operand of `to_tsquery`: all words, `"a phrase"`, `-without`, `this or that`, `begin*`.

    Only letters and digits of the question reach it. `InvalidFields` when there is nothing to look for.
    """
    if len(question) > LONGEST_QUESTION:
        raise _refused(f"A question has at most {LONGEST_QUESTION} characters.")
    groups = [group for group in _groups(question) if group]
    if not groups:
        raise _refused("The question holds no word: letters or digits are needed.")
    if not all(any(term.wanted for term in group) for group in groups):
        raise _refused("The question only says what is not wanted; it needs a word that is.")
    if sum(len(term.words) for group in groups for term in group) > MOST_WORDS:
        raise _refused(f"A question has at most {MOST_WORDS} words.")
    return " | ".join("(" + " & ".join(term.to_tsquery() for term in group) + ")" for group in groups)


def _groups(question: str) -> list[list[_Term]]:
    groups: list[list[_Term]] = [[]]
    for found in _TERM.finditer(question):
        if found["word"] is not None and found["word"].lower() in _OR and not found["minus"]:
            groups.append([])
        elif term := _term(found):
            groups[-1].append(term)
    return groups


def _term(found: re.Match[str]) -> _Term | None:
    text = found["phrase"] if found["word"] is None else found["word"]
    words = tuple(cut(text))
    if not words:
        return None
    alone = uncut(text)
    return _Term(
        words,
        uncut=alone[0] if found["word"] is not None and len(words) > len(alone) == 1 else "",
        wanted=not found["minus"],
        is_prefix=found["word"] is not None and text.endswith("*") and len(words[-1]) >= SHORTEST_PREFIX,
    )


def _refused(message: str) -> InvalidFields:
    return InvalidFields(message, errors=[FieldProblem(field="q", message=message)])
