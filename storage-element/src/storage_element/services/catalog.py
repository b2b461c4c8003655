"""The list of all files of this element, in the order of their ids."""

from uuid import UUID

from artstore_kit.contracts.errors import BadCursor
from artstore_kit.contracts.paging import decode_cursor, encode_cursor
from storage_element.adapters.index import Index

_BEFORE_ALL = UUID(int=0)


class Catalog:
    """Pages of the list, made of the attributes' own JSON."""

    def __init__(self, index: Index) -> None:
        self._index = index

    async def page(self, cursor: str | None, limit: int) -> bytes:
        """A `Page[FileAttributes]` as JSON."""
        entries = await self._index.page(_position(cursor), limit + 1)
        items = ",".join(entry.attributes or "" for entry in entries[:limit])
        following = f'"{encode_cursor(str(entries[limit - 1].file_id))}"' if len(entries) > limit else "null"
        return f'{{"items":[{items}],"next_cursor":{following}}}'.encode()


def _position(cursor: str | None) -> UUID:
    if cursor is None:
        return _BEFORE_ALL
    try:
        return UUID(str(decode_cursor(cursor, 1)[0]))
    except ValueError:
        raise BadCursor from None
