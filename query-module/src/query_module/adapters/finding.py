"""Reading the search index: filters, full text, and pages that follow the keys instead of counting rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from query_module.adapters.conditions import conditions, question
from query_module.adapters.tables import files
from query_module.domain.criteria import Criteria
from query_module.domain.place import Moment, Ranked

MOST_RANKED = 1000
"""Ranking reads every match, so only the newest matches are ranked: 2-12 ms where all would take 300."""

RANK_WEIGHTS = (0.05, 0.15, 0.4, 1.0)
"""Of the weights D (not used), C (metadata), B (description) and A (name and tags)."""

NORMALISATION = 1 | 32
"""Divided by the logarithm of the document's length, then brought between 0 and 1."""

_NEWEST_FIRST = (files.c.uploaded_at.desc(), files.c.file_id.desc())
_by_newest = sa.tuple_(files.c.uploaded_at, files.c.file_id)


@dataclass(frozen=True)
class Found:
    """A row of an answer: the attributes as JSON text, and where it stands in the list."""

    attributes: str
    place: Moment | Ranked


@dataclass(frozen=True)
class Known:
    """A file by its id: where it is, and its attributes as JSON text."""

    file_id: UUID
    element_id: str
    collection: str
    revision: int
    attributes: str


async def find_newest(connection: AsyncConnection, criteria: Criteria, after: Moment | None, limit: int) -> list[Found]:
    """Up to `limit` matches by the moment of upload, newest first, behind `after`."""
    wanted = (
        sa.select(sa.cast(files.c.attributes, sa.Text), files.c.uploaded_at, files.c.file_id)
        .where(*conditions(criteria))
        .order_by(*_NEWEST_FIRST)
        .limit(limit)
    )
    if after:
        wanted = wanted.where(_by_newest < _moment(after))
    rows = await connection.execute(wanted)
    return [Found(attributes, Moment(uploaded_at, file_id)) for attributes, uploaded_at, file_id in rows]


async def find_ranked(connection: AsyncConnection, criteria: Criteria, after: Ranked | None, limit: int) -> list[Found]:
    """Up to `limit` of the newest `MOST_RANKED` matches, the heaviest first, behind `after`."""
    ranked = _ranked(criteria, after)
    key = sa.tuple_(ranked.c.score, ranked.c.file_id)
    page = sa.select(ranked).order_by(ranked.c.score.desc(), ranked.c.file_id.desc()).limit(limit)
    if after:
        page = page.where(key < sa.tuple_(sa.cast(after.score, sa.REAL), sa.cast(after.file_id, sa.Uuid)))
    heads = page.cte("page")
    columns = (heads.c.score, files.c.file_id, heads.c.oldest_at, heads.c.oldest_id)
    rows = await connection.execute(
        sa.select(sa.cast(files.c.attributes, sa.Text), *columns)
        .join_from(heads, files, heads.c.file_id == files.c.file_id)
        .order_by(heads.c.score.desc(), heads.c.file_id.desc())
    )
    found: list[Found] = []
    for attributes, score, file_id, oldest_at, oldest_id in rows:
        oldest = Moment(oldest_at, oldest_id) if oldest_at else None
        found.append(Found(attributes, Ranked(score, file_id, after.oldest if after else oldest)))
    return found


async def find_by_ids(connection: AsyncConnection, file_ids: Sequence[UUID]) -> list[Known]:
    """Those of these files that are in the index."""
    ids = sa.literal(list(file_ids), pg.ARRAY(sa.Uuid()))
    columns = (files.c.file_id, files.c.element_id, files.c.collection, files.c.revision)
    wanted = sa.select(*columns, sa.cast(files.c.attributes, sa.Text)).where(files.c.file_id == sa.any_(ids))
    return [Known(*row) for row in await connection.execute(wanted)]


def _ranked(criteria: Criteria, after: Ranked | None) -> sa.CTE:
    assert criteria.tsquery is not None
    wanted = sa.select(files.c.file_id, files.c.uploaded_at, files.c.tsv).where(*conditions(criteria))
    if after and after.oldest:
        wanted = wanted.where(_by_newest >= _moment(after.oldest))
    # Behind the first page the set is bounded by its oldest document; what has arrived since may not push others out.
    most = 2 * MOST_RANKED if after else MOST_RANKED
    newest = wanted.order_by(*_NEWEST_FIRST).limit(most).cte("newest")
    counted = sa.select(newest.c.uploaded_at, newest.c.file_id).offset(MOST_RANKED - 1)
    oldest = counted.order_by(newest.c.uploaded_at.desc(), newest.c.file_id.desc()).limit(1).cte("oldest")
    weights = sa.cast(sa.literal(list(RANK_WEIGHTS), pg.ARRAY(sa.REAL)), pg.ARRAY(sa.REAL))
    score = sa.func.ts_rank_cd(weights, newest.c.tsv, question(criteria.tsquery), NORMALISATION, type_=sa.REAL)
    return sa.select(
        newest.c.file_id,
        score.label("score"),
        sa.select(oldest.c.uploaded_at).scalar_subquery().label("oldest_at"),
        sa.select(oldest.c.file_id).scalar_subquery().label("oldest_id"),
    ).cte("ranked")


def _moment(place: Moment) -> sa.Tuple:
    return sa.tuple_(sa.cast(place.uploaded_at, sa.DateTime(timezone=True)), sa.cast(place.file_id, sa.Uuid))
