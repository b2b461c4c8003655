"""Keeping the search index in step with what the elements say in their change feeds."""

import asyncio
from collections.abc import Iterable
from itertools import batched

from artstore_kit.contracts.files import Change, ChangePage
from artstore_kit.logs import event_logger
from artstore_kit.postgres import Database
from query_module.adapters.cursors import commit_lazily, move_cursor, read_cursor
from query_module.adapters.entries import put_entries, remove_entries, remove_unseen
from query_module.domain.cursor import Cursor
from query_module.domain.entry import Entry, entry_of

CUT_AT_ONCE = 50


class Indexing:
    """Carries changes into the index, and remembers how far, in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cursor(self, element_id: str) -> Cursor:
        """How far the element's feed has been carried into the index."""
        async with self._database.connect() as connection:
            return await read_cursor(connection, element_id)

    async def apply(self, element_id: str, cursor: Cursor, page: ChangePage) -> Cursor | None:
        """Carry a page that was read at `cursor` into the index: the new cursor, or None when another has moved it.

        A page of another generation is not used: it was read at a position that means nothing there.
        """
        if page.generation != cursor.generation:
            return await self._restart(element_id, cursor, page.generation)
        moved = cursor.after(page)
        if moved == cursor:
            return cursor
        newest = {change.file_id: change for change in page.items}
        entries = await _entries(newest.values())
        removed = [change.file_id for change in newest.values() if not change.attributes]
        async with self._database.transaction() as connection:
            await commit_lazily(connection)
            if not await move_cursor(connection, element_id, cursor, moved):
                return None
            await put_entries(connection, element_id, moved.sweep, entries)
            if removed:
                await remove_entries(connection, element_id, removed)
            if cursor.sweeping and not moved.sweeping:
                forgotten = await remove_unseen(connection, element_id, moved.sweep)
                event_logger().info("resynchronised", element_id=element_id, forgotten=forgotten)
        return moved

    async def _restart(self, element_id: str, cursor: Cursor, generation: str) -> Cursor | None:
        event_logger().info("resynchronising", element_id=element_id, generation=generation)
        restarted = cursor.restarted(generation)
        async with self._database.transaction() as connection:
            moved = await move_cursor(connection, element_id, cursor, restarted)
        return restarted if moved else None


async def _entries(changes: Iterable[Change]) -> list[Entry]:
    """Cut into words a few at a time: a page as a whole takes tens of milliseconds, and readers wait meanwhile."""
    entries: list[Entry] = []
    for some in batched((change for change in changes if change.attributes), CUT_AT_ONCE):
        entries += [entry_of(change.attributes, change.lsn) for change in some if change.attributes]
        await asyncio.sleep(0)
    return entries
