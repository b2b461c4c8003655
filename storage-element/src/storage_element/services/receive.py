"""Takes content in: hashed on the way, within the room that it was promised, into memory or durably into staging."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from uuid import UUID

from artstore_kit.contracts.errors import ArtStoreError, DigestMismatch, IncompleteBody, StorageFault, StorageFull
from artstore_kit.exchange import Body
from storage_element.domain.faults import is_out_of_room, is_passing
from storage_element.domain.incoming import Staged, Staging
from storage_element.domain.storage import Fenced, Files
from storage_element.services.commit import Committer
from storage_element.services.measure import Measure, Promise


@dataclass(frozen=True)
class Announced:
    """What the sender announces: `size` is None for a chunked body, `sha256` when no digest was sent."""

    size: int | None = None
    sha256: bytes | None = None


NOTHING_ANNOUNCED = Announced()


@dataclass(frozen=True)
class Received:
    """Content that has come whole: it rides in the journal, or is staged durably (`content` is empty then)."""

    staging: Staged
    size: int
    sha256: str
    content: bytes


class Receiver:
    """Takes the content of uploads."""

    def __init__(self, files: Files, measure: Measure, committer: Committer, inline_bytes: int) -> None:
        self._files = files
        self._measure = measure
        self._committer = committer
        self._inline_bytes = inline_bytes

    @asynccontextmanager
    async def receive(self, file_id: UUID, version: int, announced: Announced, body: Body) -> AsyncIterator[Received]:
        """The content of `body`, as it was announced, to be this version of a file's.

        What is not handed over meanwhile is gone afterwards.
        """
        with self._measure.promised(announced.size or 0) as promise:
            staging = self._files.stage(file_id, version, self._inline_bytes)
            try:
                await _fill(staging, promise, body)
                if announced.size not in {None, staging.size}:
                    raise IncompleteBody(f"{announced.size} bytes were announced and {staging.size} came.")
                yield await _finished(staging, announced)
            except (OSError, Fenced) as error:
                raise self.told(error) from error
            finally:
                if not staging.is_in_memory:
                    await asyncio.shield(self._discard(staging))

    async def _discard(self, staging: Staging) -> None:
        """What cannot be removed now is cleared away at the next start, and changes no answer."""
        try:
            await staging.discard()
        except OSError as error:
            self.told(error)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Around what reaches the disk for one request."""
        try:
            yield
        except (OSError, Fenced) as error:
            raise self.told(error) from error

    def told(self, error: OSError | Fenced) -> ArtStoreError:
        """Out of room concerns one upload; any other error of the disk stops all writes."""
        if isinstance(error, OSError) and is_out_of_room(error):
            return StorageFull("The element has no room for this file.")
        if isinstance(error, OSError) and is_passing(error):
            return StorageFault("The element is short of memory or open files; try again.")
        self._committer.fail(error)
        return self._committer.refusal()


async def _fill(staging: Staging, promise: Promise, body: Body) -> None:
    async for chunk in body:
        promise.cover(staging.size + len(chunk))
        await staging.write(chunk)
        if not staging.is_small:
            break
    while not staging.is_small and (length := await body.read_into(staging.room())):
        promise.cover(staging.size + length)
        await staging.filled(length)


async def _finished(staging: Staging, announced: Announced) -> Received:
    content, sha256 = await staging.finish()
    if announced.sha256 is not None and sha256 != announced.sha256.hex():
        raise DigestMismatch(f"The content received has the sha-256 {sha256}.")
    return Received(staging, staging.size, sha256, content)
