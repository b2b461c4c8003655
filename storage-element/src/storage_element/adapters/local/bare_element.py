"""An element's directory as it is seen from outside: nothing is changed, no database is needed, and a process may be
serving it meanwhile."""

import heapq
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO
from uuid import UUID

from artstore_kit.contracts.errors import FileUnknown
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.start import StartRefused
from storage_element.adapters.local import disk
from storage_element.adapters.local.fence import Fence, staged_below
from storage_element.adapters.local.journal import read_journal
from storage_element.adapters.local.segments import epoch_of
from storage_element.domain import layout
from storage_element.domain.records import Kind, Record
from storage_element.domain.storage import ElementInUse
from storage_element.domain.superblock import Superblock

CHUNK_BYTES = 1024 * 1024
MOST_IN_MEMORY_BYTES = 32 * 2**20

type Told = Callable[[str, str], None]
"""Called with the path or the id of something that cannot be read, and why."""


class Unreadable(ValueError):
    """Something of a document cannot be read."""


class ContentGone(Unreadable):
    """The content is not where it was: the document was changed or removed meanwhile, or it is lost."""


class BeingStarted(StartRefused):
    """A process is replaying the journal: for a moment neither the files nor the journal alone say what is there."""


@dataclass(frozen=True)
class _Newer:
    """What the journal knows of a file above what lies in place. Content is in the spool, staged, or in place."""

    attributes: bytes
    spooled: tuple[int, int] | None = None
    staged: UUID | None = None


class BareElement:
    """The documents in an element's directory.

    What a running element acknowledged is in place, so its files alone are read; its journal may hold what nobody was
    told of. Of a stopped one the journal is read first, as the replay would, with its lock held for so long. Then the
    element may be started: what was seen in the journal is kept here.
    """

    def __init__(self, root: Path, superblock: Superblock, spool: IO[bytes]) -> None:
        self._root = root
        self._spool = spool
        self._newer: dict[UUID, _Newer | None] = {}
        self.superblock = superblock
        self.journal_damage = ""

    @property
    def pending(self) -> int:
        """How many files the journal knows more of than what lies in place."""
        return len(self._newer)

    def read_journal(self) -> None:
        """Take what the journal knows, if nobody serves the element."""
        try:
            with disk.nobody_serves(self._root / layout.LOCK, self._root / layout.NODES_LOCK):
                for record in read_journal(self._root / layout.JOURNAL, self.superblock.element_id):
                    if self.superblock.counts(record):
                        self._newer[record.file_id] = self._after(record)
        except ElementInUse:
            _must_be_replayed(self._root)
        except StartRefused as error:
            self.journal_damage = str(error)

    def ids(self, told: Told) -> Iterator[UUID]:
        """The ids of all documents, in their order; what keeps some of them from being found is told."""
        newer = sorted(file_id for file_id, known in self._newer.items() if known)
        before: UUID | None = None
        for file_id in heapq.merge(self._in_place(told), newer):
            if file_id != before and self._newer.get(file_id, True):
                yield file_id
            before = file_id

    def attributes(self, file_id: UUID) -> bytes:
        """The newest attr.json of a file; `FileUnknown` when there is none, `Unreadable` when it cannot be read."""
        newer = self._newer.get(file_id, ())
        if newer is None:
            raise FileUnknown(f"The file {file_id} was removed.")
        if newer:
            return newer.attributes
        try:
            return (self._root / layout.attributes_path(file_id)).read_bytes()
        except FileNotFoundError:
            raise FileUnknown(f"There is no file {file_id}.") from None
        except OSError as error:
            raise Unreadable(f"its attributes cannot be read: {error.strerror}") from None

    def content(self, file: FileAttributes) -> Iterator[bytes]:
        """The stored content in pieces; `ContentGone` before the first one, `Unreadable` before any."""
        try:
            with self._open(file) as source:
                while chunk := source.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError:
            raise ContentGone("its content is missing") from None
        except OSError as error:
            raise Unreadable(f"its content cannot be read: {error.strerror}") from None

    def _open(self, file: FileAttributes) -> BinaryIO:
        newer = self._newer.get(file.file_id)
        if newer and newer.spooled:
            offset, size = newer.spooled
            self._spool.seek(offset)
            return BytesIO(self._spool.read(size))
        if newer and newer.staged and (staged := staged_below(self._root, newer.staged)):
            return staged.open("rb")
        return (self._root / layout.content_path(file.file_id, file.content.version)).open("rb")

    def _after(self, record: Record) -> _Newer | None:
        match record.kind:
            case Kind.REMOVE:
                return None
            case Kind.CHANGE:
                before = self._newer.get(record.file_id) or _Newer(b"")
                return _Newer(record.attributes, before.spooled, before.staged)
            case Kind.CREATE_STAGED | Kind.REPLACE_STAGED:
                return _Newer(record.attributes, staged=record.staging)
            case Kind.CREATE_INLINE | Kind.REPLACE_INLINE:
                offset = self._spool.seek(0, os.SEEK_END)
                return _Newer(record.attributes, spooled=(offset, self._spool.write(record.content)))

    def _in_place(self, told: Told) -> Iterator[UUID]:
        """The names of directories and files sort as the ids do."""
        below = self._root / layout.FILES
        for directory, subdirectories, names in os.walk(below, onerror=lambda error: _unreadable(error, told)):
            subdirectories.sort()
            for name in sorted(names):
                file_id = layout.id_of(name, layout.ATTRIBUTES_SUFFIX)
                if file_id is None:
                    continue
                path = os.path.relpath(f"{directory}/{name}", self._root)
                if path == layout.attributes_path(file_id):
                    yield file_id
                else:
                    told(path, "is not in the directory that its id names")


@contextmanager
def bare_element(root: Path) -> Iterator[BareElement]:
    """The element in `root`; `OSError` or `ValueError` when there is none, `BeingStarted` for a moment."""
    superblock = Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes())
    with tempfile.SpooledTemporaryFile(MOST_IN_MEMORY_BYTES) as spool:
        element = BareElement(root, superblock, spool)
        element.read_journal()
        yield element


def _must_be_replayed(root: Path) -> None:
    """A segment of the present epoch is begun only when all that came before is in place."""
    block = Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes())
    epoch = max(block.epoch, *Fence(root).epochs(), 0)
    if not any(epoch_of(path) == epoch for path in (root / layout.JOURNAL).glob("*.wal")):
        raise BeingStarted(f"a process is replaying the journal of the element at {root}; try again when it serves")


def _unreadable(error: OSError, told: Told) -> None:
    told(str(error.filename), f"cannot be read: {error.strerror}")
