"""Content on its way: small ones whole in memory, large ones as a stream that is hashed while it is sent."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence

from artstore_kit.contracts.errors import DigestMismatch, IncompleteBody
from ingester_module.domain.intake import Limits, NewFile

SMALL_BYTES = 256 * 1024
"""Up to this size a file is read, and checked, before an element hears of it."""

BATCH_BYTES = 2 * 1024 * 1024
"""Hashed at once: less would cost more in handing over to the thread than in hashing."""

MOST_BEHIND_BYTES = 4 * BATCH_BYTES

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
        self._hashing = Hashing()
        self._length = 0

    @property
    def digest(self) -> bytes:
        """The sha-256 of what was sent; of the whole content once the stream has ended."""
        return self._hashing.digest

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content, each chunk as soon as the next one has come, while those before are hashed in a thread.

        The last chunk is held back until the whole is known to be what was announced: an element that was told the
        length commits, and answers, as soon as it has the last byte. Anything wrong is raised instead, which cuts the
        request to the element.
        """
        self._hashing, self._length = Hashing(), 0
        held = b""
        async for chunk in self._counted():
            await self._hashing.add(chunk)
            if held:
                yield held
            held = chunk
        await self._hashing.finish()
        check_announced(self.size_bytes, self._length, self.announced_sha256, self.digest)
        self.complete = True
        yield held

    async def read_through(self) -> None:
        """Take the content only to know its digest: an element has the file already."""
        if not self.past_head:
            async for _ in self.chunks():
                pass

    async def _counted(self) -> AsyncIterator[bytes]:
        for chunk in self._head:
            yield self._count(chunk)
        self.past_head = True
        async for chunk in self._rest:
            yield self._count(chunk)

    def _count(self, chunk: bytes) -> bytes:
        self._length += len(chunk)
        self._limits.check_size(self._length)
        return chunk


class Hashing:
    """sha-256 of a stream, in a thread, at most `MOST_BEHIND_BYTES` behind."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._under_way: asyncio.Future[None] | None = None

    @property
    def digest(self) -> bytes:
        """Of all that was added, once it is finished."""
        return self._sha256.digest()

    async def add(self, chunk: bytes) -> None:
        """Take the next chunk; waits only when too many do."""
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        if self._waiting_bytes >= MOST_BEHIND_BYTES or (self._waiting_bytes >= BATCH_BYTES and self._is_idle()):
            await self._hand_over()

    async def finish(self) -> None:
        """Hash the rest."""
        await self._hand_over()
        await self._done()

    def _is_idle(self) -> bool:
        return self._under_way is None or self._under_way.done()

    async def _hand_over(self) -> None:
        await self._done()
        batch, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self._under_way = asyncio.get_running_loop().run_in_executor(None, _hash, self._sha256, batch)

    async def _done(self) -> None:
        if self._under_way is not None:
            await self._under_way


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
