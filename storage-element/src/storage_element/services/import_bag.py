"""Import: documents of a bag into an element, each by the same commit as an upload, with the attributes that it had."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from starlette.types import Message

from artstore_kit.contracts import modes
from artstore_kit.contracts.errors import (
    ArtStoreError,
    AttributesTooLarge,
    DigestMismatch,
    FileExists,
    FileUnknown,
    IncompleteBody,
    StorageFault,
    StorageFull,
)
from artstore_kit.contracts.files import ATTRIBUTES_LIMIT_BYTES, ElementStamp, FileAttributes
from artstore_kit.contracts.modes import Operation
from artstore_kit.exchange import Body
from storage_element.adapters.bag_reader import CHUNK_BYTES, BagReader
from storage_element.domain.bag_format import BadBag
from storage_element.domain.incoming import Staged
from storage_element.domain.origin import Origin
from storage_element.domain.records import NO_STAGING, Kind
from storage_element.domain.storage import Files, Superblocks
from storage_element.domain.superblock import Superblock
from storage_element.services.commit import Committer
from storage_element.services.drafts import Draft
from storage_element.services.receive import Announced, Receiver

COMMAND = "artstore-element"
"""With what `actor` brings the documents in."""

SMALL_AT_ONCE = 64
LARGE_AT_ONCE = 2
LARGEST = 2**63 - 1
"""With it, what attr.json will hold is as long as it can become."""

_FIRST = (Kind.CREATE_INLINE, Kind.CREATE_STAGED)
_LATER = (Kind.REPLACE_INLINE, Kind.REPLACE_STAGED)


@dataclass
class Imported:
    """How far the import has come: documents stored now, those that were there already, and those kept out, and why.

    `differing` were there with the same content and other attributes; they are left as they are.
    """

    stored: int = 0
    stored_bytes: int = 0
    present: int = 0
    differing: list[UUID] = field(default_factory=list)
    refused: list[tuple[UUID, str]] = field(default_factory=list)


def acceptable(file: FileAttributes, block: Superblock) -> None:
    """Raise unless the element may take new files, and the attributes of this one find room beside its stamp."""
    modes.require(block.mode, Operation.CREATE)
    stamp = ElementStamp(id=block.element_id, epoch=block.epoch, lsn=LARGEST)
    size = len(file.model_copy(update={"element": stamp}).to_json())
    if size > ATTRIBUTES_LIMIT_BYTES:
        raise AttributesTooLarge(
            f"attr.json of {file.file_id} would have {size} bytes; {ATTRIBUTES_LIMIT_BYTES} are allowed."
        )


class Importer:
    """Imports into one element, which this process holds. What was judged before is judged again as it is stored."""

    def __init__(
        self,
        *,
        committer: Committer,
        files: Files,
        superblocks: Superblocks,
        receiver: Receiver,
        inline_bytes: int,
        actor: str,
        progress: Callable[[Imported], None],
    ) -> None:
        self._committer = committer
        self._files = files
        self._superblocks = superblocks
        self._receiver = receiver
        self._inline_bytes = inline_bytes
        self._actor = actor
        self._progress = progress
        self._small = asyncio.Semaphore(SMALL_AT_ONCE)
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._stopped_by: Exception | None = None
        self.imported = Imported()

    async def run(self, bag: BagReader) -> None:
        """Store every document that is not there; `StorageFull`, `StorageFault` or `OSError` when that cannot go on.

        What was stored until then is stored: the same import, repeated, goes on from there.
        """
        async with asyncio.TaskGroup() as tasks:
            try:
                await self._take_all(bag, tasks)
            except (ArtStoreError, OSError, BadBag) as error:
                self._stopped_by = error
        if self._stopped_by:
            raise self._stopped_by

    async def _take_all(self, bag: BagReader, tasks: asyncio.TaskGroup) -> None:
        for file in bag.documents():
            acceptable(file, self._superblocks.current)
            room = self._small if file.content.stored_size <= self._inline_bytes else self._large
            await room.acquire()
            if self._stopped_by:
                return
            tasks.create_task(self._take(bag, file, room))

    async def _take(self, bag: BagReader, file: FileAttributes, room: asyncio.Semaphore) -> None:
        try:
            before = await self._before(file.file_id)
            if before is None:
                await self._store(bag, file)
            else:
                self._compare(before, file)
        except (StorageFull, StorageFault, OSError, BadBag) as error:
            self._stopped_by = error
        except (DigestMismatch, FileExists, IncompleteBody) as error:
            self.imported.refused.append((file.file_id, error.detail))
        finally:
            room.release()
        self._progress(self.imported)

    async def _before(self, file_id: UUID) -> FileAttributes | None:
        try:
            return FileAttributes.model_validate_json(await self._files.read_attributes(file_id))
        except FileUnknown:
            return None
        except ValueError:
            raise FileExists("is there, with attributes that cannot be read") from None

    def _compare(self, before: FileAttributes, file: FileAttributes) -> None:
        if before.content.sha256 != file.content.sha256:
            raise FileExists("is there with another content, which is kept")
        self.imported.present += 1
        if _comparable(before) != _comparable(file):
            self.imported.differing.append(file.file_id)

    async def _store(self, bag: BagReader, file: FileAttributes) -> None:
        """A version of the content that is not the first comes as a replacement would, which names the version."""
        announced = Announced(file.content.stored_size, bytes.fromhex(file.content.stored_sha256))
        first, body = file.content.version == 1, _body(bag.content(file))
        async with self._receiver.receive(file.file_id, file.content.version, announced, body) as received:
            inline, staged = _FIRST if first else _LATER
            kind = inline if received.staging.name == NO_STAGING else staged
            origin = Origin.of_service(self._actor, COMMAND)
            draft = Draft(kind, file, received.content, received.staging.name, origin, "file.create")
            await self._commit(draft, received.staging)
        self.imported.stored += 1
        self.imported.stored_bytes += received.size

    async def _commit(self, draft: Draft, staging: Staged) -> None:
        staging.hand_over()
        try:
            self._committer.submit(draft)
            await draft.done
        except (FileExists, StorageFull):
            staging.take_back()
            raise


def _body(chunks: Iterator[bytes]) -> Body:
    """The content of a bag as a body; what is small has come with the first chunk, and takes no change of threads."""
    received = 0

    async def receive() -> Message:
        nonlocal received
        chunk = await asyncio.to_thread(next, chunks, b"") if received >= CHUNK_BYTES else next(chunks, b"")
        received += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    return Body(receive)


def _comparable(file: FileAttributes) -> bytes:
    """What an import keeps: all but the place where the file lies."""
    return file.model_copy(update={"element": ElementStamp(id="", epoch=0, lsn=0)}).to_json()
