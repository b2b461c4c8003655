"""Content in memory and on its way."""

import contextlib
import hashlib
from collections.abc import AsyncIterator

import pytest

from artstore_kit.contracts.errors import ArtStoreError, DigestMismatch, FileTooLarge, IncompleteBody
from artstore_kit.contracts.files import UploadAttributes
from ingester_module.domain.content import BATCH_BYTES, SMALL_BYTES, Stream, Whole, take
from ingester_module.domain.intake import Limits, NewFile

CHUNK = bytes(range(256)) * 256
MUCH = 40
LIMITS = Limits(max_size_bytes=10**9)


class Source:
    """Chunks, and how many were taken."""

    def __init__(self, chunks: int, failure: Exception | None = None) -> None:
        self.taken = 0
        self._chunks = chunks
        self._failure = failure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._chunks):
            self.taken += 1
            yield CHUNK
        if self._failure:
            raise self._failure


def handed_in(source: Source, size: int | None = None, sha256: bytes | None = None) -> NewFile:
    return NewFile(UploadAttributes(name="a"), aiter(source), announced_bytes=size, announced_sha256=sha256)


async def streamed(new: NewFile, limits: Limits = LIMITS) -> Stream:
    stream = await take(new, limits)
    assert isinstance(stream, Stream)
    return stream


async def all_of(stream: Stream) -> bytes:
    return b"".join([chunk async for chunk in stream.chunks()])


@pytest.mark.parametrize("chunks", [0, 1, SMALL_BYTES // len(CHUNK)])
async def test_small_content_is_whole_and_hashed(chunks: int) -> None:
    content = await take(handed_in(Source(chunks)), LIMITS)
    assert isinstance(content, Whole)
    assert content.data == CHUNK * chunks
    assert content.digest == hashlib.sha256(CHUNK * chunks).digest()


async def test_large_content_is_a_stream_of_which_little_was_read() -> None:
    source = Source(MUCH)
    stream = await streamed(handed_in(source))
    assert source.taken == SMALL_BYTES // len(CHUNK) + 1
    assert not stream.past_head
    assert await all_of(stream) == CHUNK * MUCH
    assert stream.digest == hashlib.sha256(CHUNK * MUCH).digest()
    assert stream.past_head
    assert stream.complete


async def test_the_head_can_be_sent_again_as_long_as_nothing_else_was() -> None:
    stream = await streamed(handed_in(Source(MUCH)))
    first_try = stream.chunks()
    await anext(first_try)
    assert not stream.past_head
    assert await all_of(stream) == CHUNK * MUCH
    assert stream.digest == hashlib.sha256(CHUNK * MUCH).digest()


async def test_a_stream_runs_at_most_a_batch_ahead() -> None:
    source = Source(10 * MUCH)
    stream = await streamed(handed_in(source))
    sent = 0
    async for chunk in stream.chunks():
        sent += len(chunk)
        assert source.taken * len(CHUNK) <= sent + BATCH_BYTES + len(CHUNK)


@pytest.mark.parametrize("chunks", [1, MUCH])
@pytest.mark.parametrize(
    ("size", "sha256", "error"),
    [(5, None, IncompleteBody), (10**8, None, IncompleteBody), (None, bytes(32), DigestMismatch)],
)
async def test_what_was_announced_must_come(
    chunks: int, size: int | None, sha256: bytes | None, error: type[ArtStoreError]
) -> None:
    with pytest.raises(error):
        await _sent(handed_in(Source(chunks), size, sha256), LIMITS)


@pytest.mark.parametrize(("size", "sha256"), [(10**8, None), (None, bytes(32)), (None, None)])
async def test_the_last_bytes_are_not_sent_before_the_whole_is_known(size: int | None, sha256: bytes | None) -> None:
    """An element that knows the length commits with the last byte."""
    stream = await streamed(handed_in(Source(MUCH), size, sha256))
    sent = 0
    with contextlib.suppress(ArtStoreError):
        async for chunk in stream.chunks():
            sent += len(chunk)
            assert stream.complete == (sent == MUCH * len(CHUNK))
    assert (sent == MUCH * len(CHUNK)) is (size is None and sha256 is None)


@pytest.mark.parametrize("chunks", [1, MUCH])
async def test_what_was_announced_may_come(chunks: int) -> None:
    sha256 = hashlib.sha256(CHUNK * chunks).digest()
    assert await _sent(handed_in(Source(chunks), chunks * len(CHUNK), sha256), LIMITS) == sha256


@pytest.mark.parametrize("limit", [len(CHUNK) - 1, SMALL_BYTES, 10 * len(CHUNK)])
async def test_the_limit_ends_a_stream_that_announced_nothing(limit: int) -> None:
    source = Source(MUCH)
    with pytest.raises(FileTooLarge):
        await _sent(handed_in(source), Limits(limit))
    assert source.taken < MUCH


async def test_the_limit_holds_for_what_came_with_the_beginning() -> None:
    """Nothing comes after it at which the limit would be looked at."""
    source = Source(SMALL_BYTES // len(CHUNK) + 1)
    with pytest.raises(FileTooLarge):
        await _sent(handed_in(source), Limits(SMALL_BYTES))


@pytest.mark.parametrize("chunks", [1, MUCH])
async def test_a_broken_source_is_not_an_end(chunks: int) -> None:
    with pytest.raises(IncompleteBody):
        await _sent(handed_in(Source(chunks, IncompleteBody())), LIMITS)


async def test_reading_through_gives_the_digest_without_sending() -> None:
    stream = await streamed(handed_in(Source(MUCH)))
    await stream.read_through()
    assert stream.digest == hashlib.sha256(CHUNK * MUCH).digest()


async def test_a_stream_that_was_cut_is_not_read_through() -> None:
    stream = await streamed(handed_in(Source(10 * MUCH)))
    chunks = stream.chunks()
    while not stream.past_head:
        await anext(chunks)
    await stream.read_through()
    assert not stream.complete


async def _sent(new: NewFile, limits: Limits) -> bytes:
    content = await take(new, limits)
    if isinstance(content, Stream):
        await all_of(content)
    return content.digest
