"""How text is cut into words, the same for what is indexed and for what is asked."""

import re
import unicodedata
from collections.abc import Iterator

LONGEST_WORD = 64
"""Characters; the rest of a longer word is not looked at."""

_RUN = re.compile(r"[^\W_]+")
_NUMBER_OR_LETTERS = re.compile(r"\d+|\D+")
_UPPER, _LOWER = "A-ZА-ЯЁ", "a-zа-яё"
_CAMEL = re.compile(f"(?<=[{_LOWER}])(?=[{_UPPER}])|(?<=[{_UPPER}])(?=[{_UPPER}][{_LOWER}])")


def runs(text: str) -> list[str]:
    """Unbroken runs of letters and digits, composed (a Mac writes `й` as two characters), in their own case."""
    return _RUN.findall(unicodedata.normalize("NFKC", text))


def parts(run: str) -> list[str]:
    """The words inside a run: `DogovorArendy2026` is `dogovor`, `arendy`, `2026`."""
    pieces = (piece for chunk in _NUMBER_OR_LETTERS.findall(run) for piece in _CAMEL.split(chunk))
    return [folded(piece) for piece in pieces]


def compounds(run: str) -> list[str]:
    """Words of a run that `parts` has cut at capitals, uncut: who looks for `iphone` means `iPhone` too."""
    return [folded(chunk) for chunk in _NUMBER_OR_LETTERS.findall(run) if _CAMEL.search(chunk)]


def folded(word: str) -> str:
    """Lower case, with `ё` as `е`: people write either."""
    return word[:LONGEST_WORD].lower().replace("ё", "е")


def indexed(text: str) -> str:
    """Everything by which `text` can be found, parted by spaces: its words in order, then its compounds."""
    return " ".join(_indexed(text))


def _indexed(text: str) -> Iterator[str]:
    found = runs(text)
    for run in found:
        yield from parts(run)
    for run in found:
        yield from compounds(run)
