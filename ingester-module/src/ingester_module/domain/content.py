"""Content on its way: small ones whole in memory, large ones as a stream that is hashed while it is sent."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence

from artstore_kit.contracts.errors import DigestMismatch, IncompleteBody
from ingester_module.domain.intake import Limits, NewFile

SMALL_BYTES = 256 * 1024
"""Up to this size a file is read, and checked, before an element hears of it."""

BATCH_BYTES = 1024 * 1024
"""Hashed at once: less would cost more in handing over to the thread than in hashing."""

type Content = Whole | Stream


class Whole:
    """Content in memory, already checked; can be sent as often as needed."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)
        self.digest = hashlib.sha256(data).digest()

    @property
    def announced_sha256(self) -> bytes:
        """What the element is told to expect: damage on the way to it is found there."""
        return self.digest


class Stream:
    """Content that is sent once, in memory only for its beginning and the batch under way."""

    def __init__(self, head: Sequence[bytes], new: NewFile, limits: Limits) -> None:
        self.size_bytes = new.announced_bytes
        self.announced_sha256 = new.announced_sha256
        self.past_head = False
        """Whether more than the beginning was taken, so that it cannot be sent again."""
        self.complete = False
        """Whether it was sent, or read through, to its end, and was as announced."""
        self._head = head
        self._rest = new.content
        self._limits = limits
        self._sha256 = hashlib.sha256()
        self._length = 0

    @property
    def digest(self) -> bytes:
        """The sha-256 of what was sent; of the whole content once the stream has ended."""
        return self._sha256.digest()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content. While one batch is hashed in a thread, it is sent and the next one arrives.

        The last chunk is held back until the whole is known to be what was announced: an element that was told the
        length commits, and answers, as soon as it has the last byte. Anything wrong is raised instead, which cuts the
        request to the element.
        """
        loop = asyncio.get_running_loop()
        self._sha256, self._length = hashlib.sha256(), 0
        hashed: asyncio.Future[None] | None = None
        held = b""
        async for batch in self._batches():
            if hashed:
                await hashed
            hashed = loop.run_in_executor(None, _hash, self._sha256, batch)
            for chunk in batch:
                if held:
                    yield held
                held = chunk
        if hashed:
            await hashed
        check_announced(self.size_bytes, self._length, self.announced_sha256, self.digest)
        self.complete = True
        yield held

    async def read_through(self) -> None:
        """Take the content only to know its digest: an element has the file already."""
        if not self.past_head:
            async for _ in self.chunks():
                pass

    async def _batches(self) -> AsyncIterator[Sequence[bytes]]:
        yield self._counted(self._head)
        self.past_head = True
        batch: list[bytes] = []
        size = 0
        async for chunk in self._rest:
            batch.append(chunk)
            size += len(chunk)
            if size >= BATCH_BYTES:
                yield self._counted(batch)
                batch, size = [], 0
        if batch:
            yield self._counted(batch)

    def _counted(self, batch: Sequence[bytes]) -> Sequence[bytes]:
        self._length += sum(map(len, batch))
        self._limits.check_size(self._length)
        return batch


def _hash(sha256: "hashlib._Hash", batch: Sequence[bytes]) -> None:
    for chunk in batch:
        sha256.update(chunk)


async def take(new: NewFile, limits: Limits) -> Content:
    """Read up to `SMALL_BYTES`: what ends by then is whole, and checked against what was announced."""
    head: list[bytes] = []
    size = 0
    async for chunk in new.content:
        head.append(chunk)
        size += len(chunk)
        if size > SMALL_BYTES:
            return Stream(head, new, limits)
    limits.check_size(size)
    content = Whole(head[0] if len(head) == 1 else b"".join(head))
    check_announced(new.announced_bytes, size, new.announced_sha256, content.digest)
    return content


def check_announced(announced_bytes: int | None, size: int, announced_sha256: bytes | None, digest: bytes) -> None:
    """Raise unless length and digest are those that the sender announced, if any."""
    if announced_bytes not in {None, size}:
        raise IncompleteBody(f"{announced_bytes} bytes were announced, {size} were sent.")
    if announced_sha256 not in {None, digest}:
        raise DigestMismatch(f"The content received has the sha-256 {digest.hex()}.")
