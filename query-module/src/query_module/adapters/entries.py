"""Writing the search index: a batch of changes is one statement."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from query_module.adapters.tables import files
from query_module.domain.entry import Entry

TAG_SEPARATOR = "\x1f"
"""No tag holds control characters, and an array of arrays cannot be unnested row by row."""

_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "file_id": sa.Uuid(),
    "lsn": sa.BigInteger(),
    "revision": sa.Integer(),
    "collection": sa.Text(),
    "name": sa.Text(),
    "media_type": sa.Text(),
    "size": sa.BigInteger(),
    "uploaded_by": sa.Text(),
    "uploaded_at": sa.DateTime(timezone=True),
    "tags": sa.Text(),
    "attributes": sa.Text(),
    "title_words": sa.Text(),
    "description_words": sa.Text(),
    "metadata_words": sa.Text(),
}

_PUT = sa.text("""
INSERT INTO files AS kept (element_id, sweep, file_id, lsn, revision, collection, name, media_type, size,
                           uploaded_by, uploaded_at, tags, attributes, tsv)
SELECT :element_id, :sweep, file_id, lsn, revision, collection, name, media_type, size, uploaded_by, uploaded_at,
       string_to_array(tags, E'\\x1f'), attributes::json,
       setweight(to_tsvector('artstore', title_words), 'A')
       || setweight(to_tsvector('artstore', description_words), 'B')
       || setweight(to_tsvector('artstore', metadata_words), 'C')
FROM unnest(:file_id, :lsn, :revision, :collection, :name, :media_type, :size, :uploaded_by, :uploaded_at, :tags,
            :attributes, :title_words, :description_words, :metadata_words)
  AS given (file_id, lsn, revision, collection, name, media_type, size, uploaded_by, uploaded_at, tags,
            attributes, title_words, description_words, metadata_words)
ORDER BY file_id
ON CONFLICT (file_id) DO UPDATE SET
    element_id = excluded.element_id, sweep = excluded.sweep, lsn = excluded.lsn, revision = excluded.revision,
    collection = excluded.collection, name = excluded.name, media_type = excluded.media_type, size = excluded.size,
    uploaded_by = excluded.uploaded_by, uploaded_at = excluded.uploaded_at, tags = excluded.tags,
    attributes = excluded.attributes, tsv = excluded.tsv
WHERE CASE WHEN kept.element_id <> excluded.element_id THEN excluded.revision >= kept.revision
           ELSE excluded.sweep <> kept.sweep OR excluded.lsn >= kept.lsn END
""").bindparams(*(sa.bindparam(name, type_=pg.ARRAY(kind)) for name, kind in _COLUMNS.items()))


async def put_entries(connection: AsyncConnection, element_id: str, sweep: int, entries: Sequence[Entry]) -> None:
    """Keep these entries where they are newer than what is kept; each file at most once.

    Journal positions order what one element says; what two elements say of one file is ordered by its revision,
    and of equals the one that came last is kept: a file that moves is written there before it is removed here.
    """
    if not entries:
        return
    columns = {name: [getattr(entry, name) for entry in entries] for name in _COLUMNS if name != "tags"}
    columns["tags"] = [TAG_SEPARATOR.join(entry.tags) for entry in entries]
    await connection.execute(_PUT, {"element_id": element_id, "sweep": sweep, **columns})


async def remove_entries(connection: AsyncConnection, element_id: str, file_ids: Iterable[UUID]) -> None:
    """Forget files that the element has removed; one that has moved to another element stays."""
    ids = sa.literal(list(file_ids), pg.ARRAY(sa.Uuid()))
    removed = sa.delete(files).where(files.c.element_id == element_id, files.c.file_id == sa.any_(ids))
    await connection.execute(removed)


async def remove_unseen(connection: AsyncConnection, element_id: str, sweep: int) -> int:
    """Forget the element's files that this resynchronisation has not met; how many they were."""
    unseen = sa.delete(files).where(files.c.element_id == element_id, files.c.sweep != sweep)
    return (await connection.execute(unseen)).rowcount
