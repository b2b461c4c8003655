"""An element at work, without HTTP and database, whose callers remember what they were promised."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from element_core import ASKER, TESTER, Working, open_core
from told import Told

from artstore_kit.contracts.errors import ArtStoreError, StorageFault, StorageUnavailable
from artstore_kit.contracts.files import AttributeChanges, FileAttributes, Hold, Retention, UploadAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.exchange import Body
from storage_element.config import CapacitySettings, UploadSettings
from storage_element.domain.uploads import UploadSession
from storage_element.services.contain import Containment
from storage_element.services.holds import Holds
from storage_element.services.measure import Measure
from storage_element.services.modes import Modes
from storage_element.services.open_uploads import OpenUploads
from storage_element.services.read import Reader
from storage_element.services.receive import Announced, Receiver
from storage_element.services.uploads import UploadSessions
from storage_element.services.verify import Verifier
from storage_element.services.write import Replacement, Upload, Writer
from tests.durability.ledger import OF_THE_MODE, UPLOAD, Ledger, Version

SEGMENT_BYTES = 16 * 1024
INLINE_BYTES = 2048
SMALL = b"small content" * 60
LARGE = bytes(range(256)) * 24
BEGINNING_MS = 1_772_000_000_000
MINUTE_MS = 60_000


@dataclass
class Bed:
    """The element, its callers, and the files that they know by a name."""

    core: Working
    writer: Writer
    reader: Reader
    ledger: Ledger
    modes: Modes
    verifier: Verifier
    holds: Holds
    uploads: UploadSessions
    files: dict[str, UUID] = field(default_factory=dict)
    minute: int = 0
    uploading: dict[str, UploadSession] = field(default_factory=dict)

    async def create(self, name: str, content: bytes = SMALL, **attributes: object) -> FileAttributes:
        """A new file, known by `name` from now on."""
        file_id = self._new_id(name)
        given = UploadAttributes.model_validate(
            {"name": f"{name}.txt", "description": f"{name} as stored", **attributes}
        )
        sha256 = hashlib.sha256(content)
        upload = Upload(file_id, given, "tester", TESTER, Announced(len(content), sha256.digest()))
        version = Version(sha256.hexdigest(), 1, given.description)

        async def create() -> FileAttributes:
            return (await self.writer.create(upload, Body.of(content)))[0]

        return await self._promised(file_id, version, create)

    async def replace(self, name: str, content: bytes, description: str) -> FileAttributes:
        """A file's next content."""
        file = await self.reader.attributes(self.files[name])
        sha256 = hashlib.sha256(content)
        version = Version(sha256.hexdigest(), file.revision + 1, description)
        changes = AttributeChanges(description=description)
        announced = Announced(len(content), sha256.digest())
        replacement = Replacement(file.file_id, changes, ASKER, announced)
        return await self._promised(file.file_id, version, lambda: self.writer.replace(replacement, Body.of(content)))

    async def change(self, name: str, description: str) -> FileAttributes:
        """The next revision of a file's attributes."""
        file = await self.reader.attributes(self.files[name])
        version = Version(file.content.sha256, file.revision + 1, description)
        changes = AttributeChanges(description=description)
        return await self._promised(
            file.file_id, version, lambda: self.writer.change(file.file_id, changes, None, ASKER)
        )

    async def hold(self, name: str, hold_id: str) -> FileAttributes:
        """A legal hold is placed."""
        file = await self.reader.attributes(self.files[name])
        version = Version(file.content.sha256, file.revision + 1, file.description)
        hold = Hold(id=hold_id, reason="a court wants it")
        return await self._promised(file.file_id, version, lambda: self.holds.place(file.file_id, hold, None, ASKER))

    async def release(self, name: str, hold_id: str) -> FileAttributes:
        """A legal hold is released."""
        file = await self.reader.attributes(self.files[name])
        version = Version(file.content.sha256, file.revision + 1, file.description)
        return await self._promised(
            file.file_id, version, lambda: self.holds.release(file.file_id, hold_id, None, ASKER, approved)
        )

    async def destroy(self, name: str) -> None:
        """Remove a file before its retention ends, with an approval."""
        file_id = self.files[name]

        async def destroy() -> None:
            await self.writer.remove(file_id, None, ASKER, approved)

        await self._promised(file_id, None, destroy)

    async def remove(self, name: str) -> None:
        """Remove a file."""
        file_id = self.files[name]

        async def remove() -> None:
            await self.writer.remove(file_id, None, ASKER)

        await self._promised(file_id, None, remove)

    async def expire(self, name: str) -> None:
        """Remove a file whose time is over."""
        file_id = self.files[name]

        async def expire() -> None:
            await self.writer.expire(file_id, datetime.now(UTC))

        await self._promised(file_id, None, expire)

    async def verify(self, name: str) -> None:
        """Read a file's content again; what is damaged is put aside."""
        await self.verifier.judge(self.files[name], _at_once)

    async def turn(self, mode: Mode) -> None:
        """Change the element's mode."""
        version = Version("", 0, mode.value)
        self.ledger.note("began", OF_THE_MODE, version)
        await self.modes.turn(mode, "somebody wants it")
        self.ledger.note("done", OF_THE_MODE, version)

    async def begin_upload(self, name: str, size: int) -> None:
        """An upload that will be sent in parts."""
        given = UploadAttributes(name=f"{name}.txt", description=f"{name} as sent in parts")
        self.uploading[name] = await self.uploads.create(Upload(self._new_id(name), given, "tester", TESTER), size)
        self.note_upload("began", name, b"")
        self.note_upload("done", name, b"")

    async def append(self, name: str, content: bytes, offset: int, end: int) -> None:
        """The part of `content` from `offset` to `end`."""
        part = content[offset:end]
        announced = Announced(len(part), hashlib.sha256(part).digest())
        self.note_upload("began", name, content[:end])
        await self.uploads.append(self.uploading[name].upload_id, ASKER, offset, announced, Body.of(part))
        self.note_upload("done", name, content[:end])

    async def commit_upload(self, name: str, content: bytes) -> FileAttributes:
        """The upload becomes a file."""
        upload = self.uploading[name]
        sha256 = hashlib.sha256(content)
        version = Version(sha256.hexdigest(), 1, f"{name} as sent in parts")
        self.note_upload("began", name, None)

        async def commit() -> FileAttributes:
            return (await self.uploads.commit(upload.upload_id, ASKER, sha256.digest()))[0]

        file = await self._promised(upload.file_id, version, commit)
        self.note_upload("done", name, None)
        return file

    async def abort_upload(self, name: str) -> None:
        """The upload is forgotten."""
        self.note_upload("began", name, None)
        await self.uploads.abort(self.uploading[name].upload_id, "tester")
        self.note_upload("done", name, None)

    def note_upload(self, what: str, name: str, content: bytes | None) -> None:
        """So much of an upload is there; None when there is no such upload any more."""
        version = None if content is None else Version(hashlib.sha256(content).hexdigest(), len(content), UPLOAD)
        self.ledger.note(what, self.uploading[name].upload_id, version)

    async def checkpoint(self) -> None:
        """All that was committed is synced as plain files."""
        await self.core.checkpoint.run()

    async def read(self, name: str) -> bytes:
        """A file's content, as long as anybody knows it by this name."""
        file = await self.reader.attributes(self.files[name])
        async with self.reader.content(file) as content:
            return b"".join([bytes(chunk) async for chunk in content.chunks(0, file.content.size)])

    async def _promised[T: FileAttributes | None](
        self, file_id: UUID, version: Version | None, act: Callable[[], Awaitable[T]]
    ) -> T:
        """Whatever is not answered is in doubt, and so is what a fault or a store out of reach was the answer to."""
        self.ledger.note("began", file_id, version)
        try:
            file = await act()
        except (StorageFault, StorageUnavailable):
            raise
        except ArtStoreError:
            self.ledger.note("undone", file_id, version)
            raise
        self.ledger.note("done", file_id, version, file.to_json().decode() if file is not None else "")
        return file

    def _new_id(self, name: str) -> UUID:
        """Some in a minute of their own, some together."""
        file_id = self.files[name] = new_file_id(BEGINNING_MS + self.minute // 3 * MINUTE_MS)
        self.minute += 1
        return file_id


HELD = [Hold(id="case-1", reason="a court wants it")]
EXPIRED = Retention.model_validate({"expires_at": "2026-01-01T00:00:00Z"})
RETAINED = Retention.model_validate(
    {"policy": "ten-years", "kind": "permanent", "retain_until": "2999-01-01T00:00:00Z"}
)


async def approved(_: FileAttributes) -> None:
    """A second administrator has said yes."""


@asynccontextmanager
async def open_bed(
    root: Path, ledger: Ledger, files: Mapping[str, UUID] | None = None, spool: Told | None = None
) -> AsyncIterator[Bed]:
    """An element recovered from what lies at `root`. Leaving it is like kill -9."""
    async with open_core(root, segment_bytes=SEGMENT_BYTES, spool=spool) as core:
        yield await made(core, ledger, files)


async def made(core: Working, ledger: Ledger, files: Mapping[str, UUID] | None = None) -> Bed:
    """The services of an element at work."""
    storage = core.storage
    containment = Containment(storage.files, storage.upkeep, core.checkpoint, core.reservations)
    await containment.load()
    reader = Reader(storage.files, storage.superblocks, containment)
    measure = Measure(storage.files, CapacitySettings(reserve_bytes=0))
    receiver = Receiver(storage.files, measure, core.committer, INLINE_BYTES)
    modes = Modes(storage.superblocks, core.committer, core.checkpoint)
    writer = Writer(
        committer=core.committer,
        receiver=receiver,
        reader=reader,
        superblocks=storage.superblocks,
        reservations=core.reservations,
        superseded=core.superseded,
        modes=modes,
    )
    uploads = UploadSessions(
        uploads=storage.uploads,
        files=storage.files,
        writer=writer,
        receiver=receiver,
        measure=measure,
        open_uploads=OpenUploads(UploadSettings()),
        committer=core.committer,
        expiry_s=3600,
    )
    await uploads.load()
    verifier = Verifier(storage.files, storage.upkeep, containment)
    known = dict(files or {})
    return Bed(core, writer, reader, ledger, modes, verifier, Holds(writer), uploads, known, len(known))


async def _at_once(_: int) -> None:
    """No pace."""
