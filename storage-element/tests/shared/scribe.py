"""Writes journal records to any side, as the committer does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from running_element import ELEMENT_ID
from told import Told

from artstore_kit.contracts.files import ElementStamp, FileAttributes
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from storage_element.domain.records import NO_STAGING, Kind, Record
from storage_element.domain.storage import Storage
from storage_element.services.recover import recover
from storage_element.services.tell import Teller


@dataclass
class Scribe:
    """One process that is the element's master."""

    storage: Storage
    written: list[Record] = field(default_factory=list)

    @classmethod
    async def master(cls, storage: Storage) -> "Scribe":
        """Open, take over, recover."""
        await storage.superblocks.open(ELEMENT_ID, Mode.EDIT)
        await recover(storage, Teller(Told(), storage.journal, storage.superblocks))
        return cls(storage)

    def record(
        self, kind: Kind, file: FileAttributes, content: bytes = b"", staging: UUID = NO_STAGING, ahead: int = 0
    ) -> Record:
        """The record that comes next, or `ahead` after it."""
        journal = self.storage.journal
        lsn = journal.next_lsn + ahead
        file.element = ElementStamp(id=ELEMENT_ID, epoch=journal.epoch, lsn=lsn)
        return Record(lsn, journal.epoch, kind, file.file_id, file.to_json(), content, staging)

    async def commit(
        self, kind: Kind, file: FileAttributes, content: bytes = b"", staging: UUID = NO_STAGING
    ) -> Record:
        """Journal and place one record."""
        record = self.record(kind, file, content, staging)
        await self.storage.journal.append([record])
        self.written.append(record)
        await self.storage.files.place([record])
        return record

    async def create(self, content: bytes = b"content", file: FileAttributes | None = None) -> FileAttributes:
        """A new file whose content rides in the journal."""
        file = file or document(content=content)
        await self.commit(Kind.CREATE_INLINE, file, content)
        return file

    async def staged(self, content: bytes, file: FileAttributes) -> UUID:
        """The name of content that is staged durably and handed over."""
        staging = self.storage.files.stage(file.file_id, file.content.version, 0)
        await staging.write(content)
        await staging.finish()
        staging.hand_over()
        await staging.discard()
        return staging.name

    async def create_staged(self, content: bytes, file: FileAttributes | None = None) -> FileAttributes:
        """A new file whose content was staged."""
        file = file or document(content=content)
        await self.commit(Kind.CREATE_STAGED, file, staging=await self.staged(content, file))
        return file

    async def change(self, file: FileAttributes, **fields: object) -> FileAttributes:
        """The next revision of a file's attributes."""
        return await self.change_to(next_revision(file, **fields))

    async def change_to(self, file: FileAttributes) -> FileAttributes:
        """This revision."""
        await self.commit(Kind.CHANGE, file)
        return file

    async def replace(self, file: FileAttributes, content: bytes, *, staged: bool = False) -> FileAttributes:
        """The next version of a file's content."""
        return await self.replace_by(next_content(file, content), content, staged=staged)

    async def replace_by(self, file: FileAttributes, content: bytes, *, staged: bool = False) -> FileAttributes:
        """This version."""
        if staged:
            await self.commit(Kind.REPLACE_STAGED, file, staging=await self.staged(content, file))
        else:
            await self.commit(Kind.REPLACE_INLINE, file, content)
        return file

    async def remove(self, file: FileAttributes) -> None:
        """Remove a file."""
        await self.commit(Kind.REMOVE, file.model_copy())

    async def checkpoint(self) -> None:
        """Sync, note it, drop what is superfluous."""
        closed = await self.storage.journal.rotate()
        await self.storage.files.sync()
        await self.storage.superblocks.note_checkpoint(closed.last_lsn)
        await self.storage.journal.drop(closed.segments)


def next_revision(file: FileAttributes, **fields: object) -> FileAttributes:
    """The file after a change."""
    return file.model_copy(update={"revision": file.revision + 1, **fields})


def next_content(file: FileAttributes, content: bytes) -> FileAttributes:
    """The file after its content was replaced."""
    described = document(content=content).content.model_copy(update={"version": file.content.version + 1})
    return next_revision(file, content=described)


async def read_journal(storage: Storage) -> list[Record]:
    """All that it holds."""
    return [record async for records in storage.journal.read() for record in records]


async def read_content(storage: Storage, file: FileAttributes, start: int = 0, length: int | None = None) -> bytes:
    """A file's content, or a range of it."""
    content = await storage.files.open_content(file.file_id, file.content.version)
    try:
        length = content.size - start if length is None else length
        return b"".join([bytes(chunk) async for chunk in content.chunks(start, length)])
    finally:
        content.close()


async def everything(storage: Storage) -> dict[UUID, tuple[FileAttributes, bytes]]:
    """Every file with its content, by the list of all attributes."""
    found = [data async for batch in storage.files.all_attributes() for _, data in batch]
    files = list(map(FileAttributes.model_validate_json, found))
    return {file.file_id: (file, await read_content(storage, file)) for file in files}


def shown(files: Sequence[tuple[FileAttributes, bytes]]) -> dict[UUID, tuple[FileAttributes, bytes]]:
    """What `everything` gives when these files are there."""
    return {file.file_id: (file, content) for file, content in files}
