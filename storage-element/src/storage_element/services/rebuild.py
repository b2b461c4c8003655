"""Rebuild of the index from the files alone, while both change, and the proof that the two are equal."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

from pydantic import ValidationError
from pydantic_core import from_json

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.adapters.index import Entry, Index, IndexDiverged
from storage_element.adapters.index_rebuild import Rows, rebuilding, shown
from storage_element.domain import layout
from storage_element.domain.merkle import MerkleTree, document_leaf
from storage_element.domain.storage import Files

LOAD_ROWS = 4096


class IndexUnequal(Exception):
    """The index does not hold what was read from the files."""


@dataclass(frozen=True)
class Rebuilt:
    """Up to where the index is applied now, how many files were read, and the root over them."""

    applied_lsn: int
    files: int
    root: str


type News = Callable[[], Sequence[Entry]]
"""What was committed since it was called before, of consecutive LSNs."""


async def rebuild(index: Index, files: Files, boundary_lsn: int, news: News) -> Rebuilt:
    """Replace the index by what the files say; readers see the old rows until the new ones are complete and proven.

    All that was committed up to `boundary_lsn` is in place before the first file is read. What is committed later may
    be read or not: it is applied above what was read, and the greatest LSN of each file counts. A row may run ahead of
    where the index is applied; the feed shows it when its turn comes.
    """
    tree = MerkleTree()
    async with rebuilding(index) as new:
        applied_lsn = boundary_lsn
        async for entries in read(files, tree):
            await new.load(entries)
            applied_lsn = await _note(new.note, news(), applied_lsn)
        if await _root(new.loaded()) != (tree.leaves, tree.root()):
            raise IndexUnequal(f"{tree.leaves} files were read, and other rows were written")
        applied_lsn = await _note(new.note, news(), applied_lsn)
        await new.swap(applied_lsn, generation=uuid4().hex)
    return Rebuilt(applied_lsn, tree.leaves, tree.root())


async def root_of_files(files: Files) -> tuple[int, str]:
    """How many files there are that an index would show, and the root over them."""
    tree = MerkleTree()
    async for _ in read(files, tree):
        pass
    return tree.leaves, tree.root()


async def root_of_index(index: Index) -> tuple[int, str]:
    """How many files the index shows at this moment, and the root over them."""
    return await _root(shown(index))


async def read(files: Files, tree: MerkleTree) -> AsyncIterator[Sequence[Entry]]:
    """What the index keeps of every file, in the order of ids, some at a time; each is added to `tree`."""
    entries: list[Entry] = []
    async for batch in files.all_attributes():
        entries += await asyncio.to_thread(_judged, batch, tree)
        if len(entries) >= LOAD_ROWS:
            yield entries
            entries = []
    if entries:
        yield entries


def _judged(batch: Sequence[tuple[str, bytes]], tree: MerkleTree) -> list[Entry]:
    return [entry for path, data in batch for entry in _entries(path, data, tree)]


def _entries(path: str, data: bytes, tree: MerkleTree) -> Iterator[Entry]:
    """One damaged file does not keep all others out of the index; asked for by its id, it is told as damaged."""
    try:
        file = FileAttributes.model_validate_json(data)
    except ValidationError:
        _left_out("attributes cannot be read", path)
        return
    if not path.endswith(layout.attributes_path(file.file_id)):
        _left_out("attributes are not where their id says", path)
        return
    tree.add(document_leaf(file.file_id, file.content.sha256, data))
    yield Entry(file.element.lsn, file.file_id, data.decode())


def _left_out(event: str, path: str) -> None:
    metrics.UNREADABLE.inc()
    event_logger().error(event, path=path)


async def _note(note: Callable[[Sequence[Entry]], Awaitable[None]], entries: Sequence[Entry], applied_lsn: int) -> int:
    """Without a gap: what is missing was given up, because too much of it waited."""
    if not entries:
        return applied_lsn
    if entries[0].lsn != applied_lsn + 1:
        raise IndexDiverged
    await note(entries)
    return entries[-1].lsn


async def _root(pages: AsyncIterator[Rows]) -> tuple[int, str]:
    tree = MerkleTree()
    async for rows in pages:
        await asyncio.to_thread(_add, rows, tree)
    return tree.leaves, tree.root()


def _add(rows: Rows, tree: MerkleTree) -> None:
    for file_id, attributes in rows:
        data = attributes.encode()
        tree.add(document_leaf(file_id, _digest_in(data), data))


def _digest_in(attributes: bytes) -> str:
    """A row that holds no attributes gives a leaf that no file gives."""
    try:
        digest = str(from_json(attributes)["content"]["sha256"])
        bytes.fromhex(digest)
    except (ValueError, LookupError, TypeError):
        return ""
    return digest
