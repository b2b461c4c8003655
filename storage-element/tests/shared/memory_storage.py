"""The honest side in memory: what was not promised to be on stable storage is lost with the process."""

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID, uuid4

from artstore_kit.contracts.errors import ContentCorrupt, FileUnknown
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.modes import Mode
from storage_element.domain import layout
from storage_element.domain.capacity import Room
from storage_element.domain.incoming import Hash
from storage_element.domain.records import NO_STAGING, Kind, Record, frame_bytes
from storage_element.domain.storage import Closed, ContentMissing, Fenced, Storage, WrongElement
from storage_element.domain.superblock import Superblock
from storage_element.domain.upkeep import Directory, Entry, Pace, Reason, Reread
from storage_element.domain.uploads import UploadSession

TOTAL_BYTES = 2**30


@dataclass
class MemoryStore:
    """What is on stable storage."""

    block: Superblock | None = None
    segments: dict[str, list[Record]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    staged: dict[UUID, bytes] = field(default_factory=dict)
    aside: dict[str, bytes] = field(default_factory=dict)
    notes: dict[str, bytes] = field(default_factory=dict)
    sessions: dict[UUID, UploadSession] = field(default_factory=dict)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Storage]:
        """A process that opens the element."""
        superblocks = MemorySuperblocks(self)
        files = MemoryFiles(self, superblocks)
        journal, upkeep = MemoryJournal(self, superblocks), MemoryUpkeep(self, files)
        yield Storage(journal, files, superblocks, upkeep, MemoryUploads(self, superblocks))


class MemorySuperblocks:
    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._epoch = 0

    @property
    def current(self) -> Superblock:
        assert self._store.block is not None
        return self._store.block

    async def open(self, element_id: str, mode: Mode) -> None:
        if self._store.block is None:
            self._store.block = Superblock(element_id=element_id, mode=mode, created_at=datetime.now(UTC))
        if self.current.element_id != element_id:
            raise WrongElement(f"this is {self.current.element_id}")

    async def refresh(self) -> None:
        """Everybody looks at the same."""

    async def take_over(self) -> int:
        self._epoch = self.current.epoch + 1
        self._store.block = self.current.model_copy(update={"epoch": self._epoch})
        return self._epoch

    async def note_checkpoint(self, lsn: int) -> None:
        self.check()
        noted = {"checkpoint_lsn": lsn, "checkpoint_epoch": self._epoch}
        self._store.block = self.current.model_copy(update=noted)

    async def change_mode(self, mode: Mode) -> None:
        self.check()
        self._store.block = self.current.model_copy(update={"mode": mode})

    async def confirm(self) -> None:
        self.check()

    def check(self) -> None:
        if self.current.epoch != self._epoch:
            raise Fenced(f"epoch {self._epoch} is over")


class MemoryJournal:
    def __init__(self, store: MemoryStore, superblocks: MemorySuperblocks) -> None:
        self._store = store
        self._superblocks = superblocks
        self._active = ""
        self.next_lsn = 1
        self.durable_lsn = 0
        self.epoch = 0
        self.written_bytes = 0

    async def read(self) -> AsyncIterator[Sequence[Record]]:
        for name in sorted(self._store.segments):
            if self._store.segments[name]:
                yield list(self._store.segments[name])

    async def last_begun_lsn(self) -> int:
        return max((int(name) - 1 for name in self._store.segments), default=0)

    async def segments(self) -> Sequence[str]:
        return sorted(self._store.segments)

    async def start(self, next_lsn: int, epoch: int) -> None:
        self.next_lsn, self.durable_lsn, self.epoch = next_lsn, next_lsn - 1, epoch
        self._begin()

    async def append(self, records: Sequence[Record]) -> None:
        self._superblocks.check()
        self._store.segments[self._active] += records
        self.written_bytes += sum(map(frame_bytes, records))
        self.next_lsn, self.durable_lsn = records[-1].lsn + 1, records[-1].lsn

    async def rotate(self) -> Closed:
        self._superblocks.check()
        self._begin()
        self.written_bytes = 0
        return Closed(self.durable_lsn, [name for name in sorted(self._store.segments) if name != self._active])

    async def drop(self, segments: Sequence[str]) -> None:
        self._superblocks.check()
        for name in sorted(segments):
            del self._store.segments[name]

    def _begin(self) -> None:
        self._active = f"{self.next_lsn:020d}"
        self._store.segments.setdefault(self._active, [])


class MemoryFiles:
    def __init__(self, store: MemoryStore, superblocks: MemorySuperblocks) -> None:
        self._store = store
        self._superblocks = superblocks
        self.files = dict(store.files)

    async def taken(self, file_ids: Collection[UUID]) -> set[UUID]:
        return {each for each in file_ids if layout.attributes_path(each) in self.files}

    async def place(self, records: Sequence[Record]) -> None:
        missing = [str(record.file_id) for record in records if not self._place(record)]
        if missing:
            raise ContentMissing("; ".join(missing))

    def _place(self, record: Record) -> bool:
        self._superblocks.check()
        content = FileAttributes.model_validate_json(record.attributes).content
        path = layout.content_path(record.file_id, content.version)
        if record.kind is Kind.REMOVE:
            self.files.pop(layout.attributes_path(record.file_id), None)
            for version in range(content.version, 0, -1):
                self.files.pop(layout.content_path(record.file_id, version), None)
            return True
        if record.staging != NO_STAGING:
            staged = self._store.staged.get(record.staging, self.files.get(path))
            if staged is None:
                return False
            self.files[path] = self._store.files[path] = staged
            self._store.staged.pop(record.staging, None)
        elif record.kind is not Kind.CHANGE:
            self.files[path] = record.content
        self.files[layout.attributes_path(record.file_id)] = record.attributes
        return True

    async def sync(self) -> None:
        self._store.files = dict(self.files)

    async def remove_content(self, file_id: UUID, version: int) -> None:
        self._superblocks.check()
        self.files.pop(layout.content_path(file_id, version), None)

    def stage(self, file_id: UUID, version: int, inline_bytes: int) -> "MemoryStaging":
        return MemoryStaging(self._store, inline_bytes)

    async def clear_staging(self) -> int:
        self._superblocks.check()
        left = set(self._store.staged) - set(self._store.sessions)
        for name in left:
            del self._store.staged[name]
        return len(left)

    async def read_attributes(self, file_id: UUID) -> bytes:
        try:
            return self.files[layout.attributes_path(file_id)]
        except KeyError:
            raise FileUnknown from None

    async def open_content(self, file_id: UUID, version: int) -> "MemoryContent":
        try:
            return MemoryContent(self.files[layout.content_path(file_id, version)])
        except KeyError:
            raise ContentMissing(str(file_id)) from None

    async def all_attributes(self) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        found = sorted(each for each in self.files.items() if each[0].endswith(layout.ATTRIBUTES_SUFFIX))
        for at in range(0, len(found), 2):
            yield found[at : at + 2]

    def room(self) -> Room:
        return Room(TOTAL_BYTES, TOTAL_BYTES - sum(map(len, self.files.values())))


class MemoryUpkeep:
    def __init__(self, store: MemoryStore, files: MemoryFiles) -> None:
        self._store = store
        self._files = files

    async def walk(self, first: str = "") -> AsyncIterator[Directory]:
        by_directory = groupby(sorted(self._files.files.items()), key=lambda each: each[0].rpartition("/")[0])
        for path, files in by_directory:
            if path >= first:
                yield Directory(path, [Entry(name.rpartition("/")[2], len(data), 0.0) for name, data in files])

    async def reread(self, file_id: UUID, version: int, pace: Pace) -> Reread:
        content = await self._files.open_content(file_id, version)
        await pace(content.size)
        data = b"".join([bytes(chunk) async for chunk in content.chunks(0, content.size)])
        return Reread(len(data), hashlib.sha256(data).hexdigest())

    async def put_aside(self, reason: Reason, path: str | None) -> Reason:
        about = f"{layout.QUARANTINE}/{reason.path.rpartition('/')[2]}"
        number = sum(name.startswith(about) and name.endswith(layout.REASON_SUFFIX) for name in self._store.aside) + 1
        name = f"{about}.{number}"
        written = reason.model_copy(update={"moved_to": None if path is None else name.rpartition("/")[2]})
        self._store.aside[f"{name}{layout.REASON_SUFFIX}"] = written.to_json()
        if path is not None and path in self._files.files:
            self._store.aside[name] = self._files.files.pop(path)
            self._store.files.pop(path, None)
        return written

    async def reasons(self) -> AsyncIterator[Sequence[bytes]]:
        yield [data for name, data in self._store.aside.items() if name.endswith(layout.REASON_SUFFIX)]

    async def note(self, name: str) -> bytes | None:
        return self._store.notes.get(name)

    async def take_note(self, name: str, data: bytes) -> None:
        self._store.notes[name] = data


class MemoryUploads:
    def __init__(self, store: MemoryStore, superblocks: MemorySuperblocks) -> None:
        self._store = store
        self._superblocks = superblocks

    async def all(self) -> Sequence[UploadSession]:
        for gone in set(self._store.sessions) - set(self._store.staged):
            del self._store.sessions[gone]
        return list(self._store.sessions.values())

    async def make(self, session: UploadSession) -> None:
        self._store.staged[session.upload_id] = b""
        self._store.sessions[session.upload_id] = session

    async def save(self, session: UploadSession) -> None:
        self._superblocks.check()
        self._store.sessions[session.upload_id] = session

    async def remove(self, upload_id: UUID) -> None:
        self._superblocks.check()
        self._store.sessions.pop(upload_id, None)
        self._store.staged.pop(upload_id, None)

    async def part(self, session: UploadSession, hashes: Sequence[Hash]) -> "MemoryPart":
        self._superblocks.check()
        return MemoryPart(self._store, session, hashes)

    async def sha256(self, session: UploadSession) -> Hash:
        return hashlib.sha256(self._store.staged[session.upload_id][: session.offset])


class MemoryPart:
    def __init__(self, store: MemoryStore, session: UploadSession, hashes: Sequence[Hash]) -> None:
        self._store = store
        self._session = session
        self._hashes = hashes
        self._content = bytearray()
        self._room = bytearray(65_536)
        self.size = 0

    async def write(self, chunk: bytes) -> None:
        for each in self._hashes:
            each.update(memoryview(chunk))
        self._content += chunk
        self.size += len(chunk)

    def room(self) -> memoryview:
        return memoryview(self._room)

    async def filled(self, length: int) -> None:
        await self.write(bytes(self._room[:length]))

    async def finish(self) -> None:
        name = self._session.upload_id
        self._store.staged[name] = self._store.staged[name][: self._session.offset] + bytes(self._content)

    async def settle(self) -> None:
        pass


class MemoryContent:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    async def chunks(self, start: int, length: int) -> AsyncIterator[memoryview]:
        if start + length > self.size:
            raise ContentCorrupt
        yield memoryview(self._content)[start : start + length]

    def close(self) -> None:
        pass


class MemoryStaging:
    def __init__(self, store: MemoryStore, inline_bytes: int) -> None:
        self._store = store
        self._inline_bytes = inline_bytes
        self._content = bytearray()
        self._room = bytearray(65_536)
        self._handed_over = False
        self.size = 0
        self.name = NO_STAGING

    @property
    def is_small(self) -> bool:
        return self.size <= self._inline_bytes

    @property
    def is_in_memory(self) -> bool:
        return self.name == NO_STAGING

    async def write(self, chunk: bytes) -> None:
        self._content += chunk
        self.size = len(self._content)

    def room(self) -> memoryview:
        return memoryview(self._room)

    async def filled(self, length: int) -> None:
        await self.write(bytes(self._room[:length]))

    async def finish(self) -> tuple[bytes, str]:
        content, sha256 = bytes(self._content), hashlib.sha256(self._content).hexdigest()
        if self.is_small:
            return content, sha256
        self.name = uuid4()
        self._store.staged[self.name] = content
        return b"", sha256

    def hand_over(self) -> None:
        self._handed_over = True

    def take_back(self) -> None:
        self._handed_over = False

    async def discard(self) -> None:
        if not self._handed_over:
            self._store.staged.pop(self.name, None)
