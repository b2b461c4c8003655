"""Finding files in the index: filters, full text, and pages that follow the keys instead of counting rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from query_module.adapters.conditions import Values, conditions, question
from query_module.adapters.reads import Reads
from query_module.domain.criteria import Criteria
from query_module.domain.place import Moment, Ranked

MOST_RANKED = 1000
"""Ranking reads every match, so only the newest matches are ranked: 2-12 ms where all would take 300."""

RANKED = """
WITH newest AS (
    SELECT file_id, uploaded_at, tsv FROM files WHERE {conditions}
    ORDER BY uploaded_at DESC, file_id DESC LIMIT {most}
), oldest AS (
    SELECT uploaded_at, file_id FROM newest ORDER BY uploaded_at DESC, file_id DESC OFFSET {most} - 1 LIMIT 1
), ranked AS (
    SELECT file_id, ts_rank_cd('{{0, 0.15, 0.4, 1}}', tsv, {question}, 1 | 32) AS score FROM newest
), page AS (
    SELECT * FROM ranked WHERE {behind} ORDER BY score DESC, file_id DESC LIMIT {limit}
)
SELECT files.attributes, page.score, page.file_id, oldest.uploaded_at, oldest.file_id
FROM page JOIN files USING (file_id) LEFT JOIN oldest ON true ORDER BY page.score DESC, page.file_id DESC
"""
"""Weights are those of D (not used), C (metadata), B (description) and A (name and tags).

1 | 32: divided by the logarithm of the document's length, then brought between 0 and 1.
"""

NEWEST = """
SELECT attributes, uploaded_at, file_id FROM files WHERE {conditions}
ORDER BY uploaded_at DESC, file_id DESC LIMIT {limit}
"""

BY_ID = "SELECT file_id, element_id, collection, revision, attributes FROM files WHERE file_id = ANY($1)"


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


async def find_newest(reads: Reads, criteria: Criteria, after: Moment | None, limit: int) -> list[Found]:
    """Up to `limit` matches by the moment of upload, newest first, behind `after`."""
    values = Values()
    wanted = conditions(criteria, values) + (_behind(after, "<", values) if after else "")
    rows = await reads.fetch(NEWEST.format(conditions=wanted, limit=values.bind(limit)), *values)
    return [Found(attributes, Moment(uploaded_at, file_id)) for attributes, uploaded_at, file_id in rows]


async def find_ranked(reads: Reads, criteria: Criteria, after: Ranked | None, limit: int) -> list[Found]:
    """Up to `limit` of the newest `MOST_RANKED` matches, the heaviest first, behind `after`."""
    assert criteria.tsquery is not None
    values = Values()
    wanted = conditions(criteria, values) + (_behind(after.oldest, ">=", values) if after and after.oldest else "")
    behind = f"(score, file_id) < ({values.bind(after.score)}, {values.bind(after.file_id)})" if after else "true"
    statement = RANKED.format(
        conditions=wanted,
        question=question(criteria.tsquery, values),
        behind=behind,
        # Later pages have their oldest document for a bound; what has arrived since may not push others out.
        most=2 * MOST_RANKED if after else MOST_RANKED,
        limit=values.bind(limit),
    )
    found: list[Found] = []
    for attributes, score, file_id, oldest_at, oldest_id in await reads.fetch(statement, *values):
        oldest = Moment(oldest_at, oldest_id) if oldest_at else None
        found.append(Found(attributes, Ranked(score, file_id, after.oldest if after else oldest)))
    return found


async def find_by_ids(reads: Reads, file_ids: Sequence[UUID]) -> list[Known]:
    """Those of these files that are in the index."""
    return [Known(*row) for row in await reads.fetch(BY_ID, file_ids)]


def _behind(place: Moment, comparison: str, values: Values) -> str:
    """The row comparison that the index on (uploaded_at, file_id) can follow."""
    return f" AND (uploaded_at, file_id) {comparison} ({values.bind(place.uploaded_at)}, {values.bind(place.file_id)})"
