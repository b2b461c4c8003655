"""What is searched for, as SQL conditions; rights are one of them."""

from collections.abc import Iterator

from query_module.domain.criteria import Criteria
from query_module.domain.rights import Readable

_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_", "*": "%"})


class Values(list[object]):
    """The values of a statement, named in its text by their number."""

    def bind(self, value: object) -> str:
        """The name of `value` in the text."""
        self.append(value)
        return f"${len(self)}"


def conditions(criteria: Criteria, values: Values) -> str:
    """All that must hold, the caller's rights included."""
    return " AND ".join(["true", *_texts(criteria, values), *_facts(criteria, values)])


def question(tsquery: str, values: Values) -> str:
    """The query without its stop words; of nothing but stop words, all of them."""
    text = values.bind(tsquery)
    usual, literal = (f"to_tsquery('{words}'::regconfig, {text})" for words in ("pg_catalog.russian", "artstore"))
    return f"(CASE WHEN numnode({usual}) = 0 THEN {literal} ELSE {usual} END)"


def _texts(criteria: Criteria, values: Values) -> Iterator[str]:
    if criteria.readable is not None:
        yield _readable(criteria.readable, values)
    if criteria.tsquery is not None:
        yield f"tsv @@ {question(criteria.tsquery, values)}"
    if criteria.collection is not None:
        yield _like("collection", criteria.collection, values)
    if criteria.media_type is not None:
        yield _like("media_type", criteria.media_type, values)
    if criteria.tags:
        yield f"tags @> {values.bind(criteria.tags)}"


def _facts(criteria: Criteria, values: Values) -> Iterator[str]:
    for comparison, value in (
        ("size >=", criteria.size_min),
        ("size <=", criteria.size_max),
        ("uploaded_at >", criteria.uploaded_after),
        ("uploaded_at <", criteria.uploaded_before),
        ("uploaded_by =", criteria.uploaded_by),
    ):
        if value is not None:
            yield f"{comparison} {values.bind(value)}"


def _readable(readable: Readable, values: Values) -> str:
    by_name = f"collection = ANY({values.bind(sorted(readable.names))})"
    by_pattern = [_like("collection", pattern, values) for pattern in sorted(readable.patterns)]
    return f"({' OR '.join([by_name, *by_pattern])})"


def _like(column: str, value: str, values: Values) -> str:
    """`*` stands for any text, `/` included, as in a grant."""
    if "*" in value:
        return f"{column} LIKE {values.bind(value.translate(_ESCAPED))}"
    return f"{column} = {values.bind(value)}"
