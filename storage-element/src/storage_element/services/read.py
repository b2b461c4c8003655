"""Reading files: attributes with a memory, content of the size that they name."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from uuid import UUID

from cachetools import LRUCache
from pydantic import ValidationError

from artstore_kit.contracts import modes
from artstore_kit.contracts.errors import ContentCorrupt, FileUnknown
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.modes import Operation
from storage_element.domain.faults import is_passing
from storage_element.domain.storage import ContentMissing, Files, OpenContent, Superblocks
from storage_element.services.contain import Containment

REMEMBERED_FILES = 20_000


class Reader:
    """What the element shows of its files."""

    def __init__(
        self,
        files: Files,
        superblocks: Superblocks,
        containment: Containment,
        may_remember: Callable[[], bool] = lambda: True,
    ) -> None:
        self._may_remember = may_remember
        self._files = files
        self._superblocks = superblocks
        self._containment = containment
        self._remembered: LRUCache[UUID, FileAttributes] = LRUCache(REMEMBERED_FILES)
        self._forgotten = 0

    async def attributes(self, file_id: UUID) -> FileAttributes:
        """The newest attributes of a file; `FileUnknown` when there is none.

        What is remembered is the newest only while no other node may be the master.
        """
        remembered = self._remembered.get(file_id)
        if remembered is not None and self._may_remember():
            return remembered
        forgotten = self._forgotten
        file = await self._read(file_id)
        if forgotten == self._forgotten:
            self._remembered[file_id] = file
        return file

    async def to_change(self, file_id: UUID) -> FileAttributes:
        """The attributes that a change may begin from; `ContentCorrupt` when newer ones were lost."""
        self._containment.must_be_newest(file_id)
        return await self.attributes(file_id)

    def forget(self, file_id: UUID) -> None:
        """The file changes: what was remembered of it, or is being read at this moment, is old."""
        self._forgotten += 1
        self._remembered.pop(file_id, None)

    def replaced(self, file_id: UUID) -> None:
        """The content that was damaged, if it was, is not the file's any more."""
        self._containment.content_is_sound(file_id)

    def removed(self, file_id: UUID) -> None:
        """The file is gone; its id may be given again."""
        self.forget(file_id)
        self._containment.forget(file_id)

    @asynccontextmanager
    async def content(self, file: FileAttributes) -> AsyncIterator[OpenContent]:
        """The content of a file, of the right size; `ContentCorrupt` when it is not, and it is judged then."""
        modes.require(self._superblocks.current.mode, Operation.READ_CONTENT)
        if damage := self._containment.of(file.file_id, file.content.version):
            raise ContentCorrupt(f"The content of {file.file_id} {damage.detail}.", gone=damage.is_gone)
        try:
            with closing(await self._open(file)) as content:
                yield content
        except ContentMissing:  # from a bucket, what is removed can be read no further
            raise FileUnknown(f"The file {file.file_id} was removed while it was being read.") from None
        except ContentCorrupt as error:
            self._containment.suspect(file.file_id, error.detail)
            raise

    async def _read(self, file_id: UUID) -> FileAttributes:
        try:
            return _parsed(file_id, await self._files.read_attributes(file_id))
        except OSError as error:
            if is_passing(error):
                raise
            self._containment.suspect(file_id, "the attributes cannot be read")
            raise ContentCorrupt(f"The attributes of {file_id} cannot be read.") from error
        except ContentCorrupt as error:
            self._containment.suspect(file_id, error.detail)
            raise

    async def _open(self, file: FileAttributes) -> OpenContent:
        content = await self._find(file)
        if content.size != file.content.stored_size:
            content.close()
            raise ContentCorrupt(f"The content of {file.file_id} does not have its size.")
        return content

    async def _find(self, file: FileAttributes) -> OpenContent:
        try:
            return await self._files.open_content(file.file_id, file.content.version)
        except ContentMissing:
            self.forget(file.file_id)
            await self.attributes(file.file_id)  # FileUnknown when it was removed meanwhile
            raise ContentCorrupt(f"The content of {file.file_id} is missing.") from None
        except OSError as error:
            if is_passing(error):
                raise
            raise ContentCorrupt(f"The content of {file.file_id} cannot be read.") from error


def _parsed(file_id: UUID, data: bytes) -> FileAttributes:
    try:
        file = FileAttributes.model_validate_json(data)
    except ValidationError as error:
        raise ContentCorrupt(f"The attributes of {file_id} cannot be read.") from error
    if file.file_id != file_id:
        raise ContentCorrupt(f"The attributes of {file_id} are those of another file.")
    return file
