"""An index that was rebuilt by hand."""

from collections.abc import Sequence

from storage_element.adapters.index import Entry, Index
from storage_element.adapters.index_rebuild import rebuilding


async def replace(
    index: Index, entries: Sequence[Entry], applied_lsn: int, generation: str, news: Sequence[Entry] = ()
) -> None:
    """Put `entries`, and `news` above them, in the place of everything."""
    async with rebuilding(index) as new:
        await new.load(entries)
        await new.note(news)
        await new.swap(applied_lsn, generation)
