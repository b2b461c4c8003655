"""What is searched for, as SQL conditions; rights are one of them."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from query_module.adapters.tables import files
from query_module.domain.criteria import Criteria
from query_module.domain.rights import Readable

type Condition = sa.ColumnElement[bool]

_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_", "*": "%"})


def conditions(criteria: Criteria) -> list[Condition]:
    """All that must hold, the caller's rights included."""
    found: list[Condition | None] = [
        _readable(criteria.readable) if criteria.readable else None,
        files.c.tsv.op("@@")(question(criteria.tsquery)) if criteria.tsquery else None,
        _like(files.c.collection, criteria.collection),
        _like(files.c.media_type, criteria.media_type),
        files.c.tags.contains(list(criteria.tags)) if criteria.tags else None,
        files.c.size >= criteria.size_min if criteria.size_min is not None else None,
        files.c.size <= criteria.size_max if criteria.size_max is not None else None,
        files.c.uploaded_at > criteria.uploaded_after if criteria.uploaded_after else None,
        files.c.uploaded_at < criteria.uploaded_before if criteria.uploaded_before else None,
        files.c.uploaded_by == criteria.uploaded_by if criteria.uploaded_by is not None else None,
    ]
    return [condition for condition in found if condition is not None]


def question(tsquery: str) -> sa.ColumnElement[str]:
    """The query without its stop words; of nothing but stop words, all of them."""
    text = sa.cast(sa.bindparam("question", tsquery), sa.Text)
    usual = sa.func.to_tsquery(sa.literal_column("'pg_catalog.russian'::regconfig"), text)
    literal = sa.func.to_tsquery(sa.literal_column("'artstore'::regconfig"), text)
    return sa.case((sa.func.numnode(usual) == 0, literal), else_=usual)


def _readable(readable: Readable) -> Condition:
    by_name = files.c.collection == sa.any_(sa.literal(sorted(readable.names), pg.ARRAY(sa.Text)))
    return sa.or_(by_name, *(_pattern(files.c.collection, pattern) for pattern in sorted(readable.patterns)))


def _like(column: sa.Column[str], value: str | None) -> Condition | None:
    if value is None:
        return None
    return _pattern(column, value) if "*" in value else column == value


def _pattern(column: sa.Column[str], pattern: str) -> Condition:
    """`*` stands for any text, `/` included, as in a grant."""
    return column.like(pattern.translate(_ESCAPED))
