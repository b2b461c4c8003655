"""The load process counts, checks what it gets, and says what went wrong."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from artstore_kit.contracts import batches
from bench.jobs import FILE_ID, AnyOf, Fetch, LoadFailed, Outcome, Store, StoreMany, carry_out

CONTENT = b"served " * 50_000
SIZE_BYTES = 300_000

type Answering = Callable[[bytes, bytes], bytes]


def _stored(head: bytes, body: bytes) -> bytes:
    file_id = head.split()[1].rpartition(b"/")[2]
    document = b'{"file_id":"%s","sha256":"%s"}' % (file_id, hashlib.sha256(body).hexdigest().encode())
    return b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n%s" % (len(document), document)


def _served(_: bytes, __: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(CONTENT), CONTENT)


@asynccontextmanager
async def answering(answer: Answering) -> AsyncIterator[int]:
    """A server on a free port that reads whole requests and answers as told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                _, length, rest = head.partition(b"Content-Length: ")
                body = await reader.readexactly(int(rest.split(b"\r\n")[0])) if length else b""
                writer.write(answer(head, body))
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _carried_out(answer: Answering, job: Callable[[int], AnyOf]) -> Outcome:
    async with answering(answer) as port:
        return await asyncio.to_thread(carry_out, job(port))


def _store(**given: object) -> Callable[[int], Store]:
    fixed = {"method": "PUT", "path": f"/{FILE_ID}", "size_bytes": SIZE_BYTES, "checked": True}
    return lambda port: Store.model_validate({"port": port, **fixed, **given})


def _fetch(**given: object) -> Callable[[int], Fetch]:
    return lambda port: Fetch.model_validate({"port": port, "paths": ["/a", "/b"], **given})


async def test_every_upload_is_another_file_and_what_is_stored_is_compared() -> None:
    outcome = await _carried_out(_stored, _store(in_flight=3, count=10, warm_up=5))

    assert (outcome.done, len(outcome.times_ms)) == (10, 10)
    assert len({file.file_id for file in outcome.files}) == len({file.sha256 for file in outcome.files}) == 10


async def test_a_long_outcome_comes_whole_where_output_is_not_buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    outcome = await _carried_out(_stored, _store(in_flight=16, count=500, size_bytes=10))

    assert len(outcome.files) == 500


async def test_it_ends_when_the_time_is_over() -> None:
    outcome = await _carried_out(_stored, _store(in_flight=2, seconds=0.3, size_bytes=10))

    assert outcome.done > 2
    assert outcome.seconds >= 0.3
    assert outcome.per_s == outcome.done / outcome.seconds


def _taken(status: int) -> Answering:
    """Answers as an element does that gives every file of a batch this status."""

    def answer(_: bytes, body: bytes) -> bytes:
        outcomes = batches.answer([(status, b"{}") for _ in batches.requested(body)])
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(outcomes), outcomes)

    return answer


def _many(port: int) -> StoreMany:
    return StoreMany(port=port, path="/api/v1/files", size_bytes=10, count=2, first_ms=1_700_000_000_000, apart_ms=60)


async def test_many_files_go_in_one_request_which_an_element_can_read() -> None:
    assert (await _carried_out(_taken(201), _many)).done == 2


async def test_one_refused_file_of_a_batch_is_a_failure() -> None:
    with pytest.raises(LoadFailed, match="64 files of a batch were refused"):
        await _carried_out(_taken(507), _many)


async def test_downloads_are_measured_and_hashed_when_wanted() -> None:
    sha256 = [hashlib.sha256(CONTENT).hexdigest()] * 2
    outcome = await _carried_out(_served, _fetch(count=4, size_bytes=len(CONTENT), sha256=sha256))

    assert outcome.done == 4


@pytest.mark.parametrize(
    ("answer", "job", "why"),
    [
        (_served, _store(count=1), "stored as something else"),
        (_served, _fetch(count=2, sha256=["0" * 64] * 2), "came back altered"),
        (_served, _fetch(count=1, size_bytes=7), "bytes came instead of 7"),
        (_served, _fetch(count=1, never="served served"), "answered served served"),
        (lambda *_: b"HTTP/1.1 507 Full\r\ncontent-length: 4\r\n\r\nfull", _store(count=1), "answered 507: b'full'"),
        (lambda *_: b"HTTP/1.1 200 OK\r\n\r\n", _fetch(count=1), "without Content-Length"),
    ],
)
async def test_a_wrong_answer_is_a_failure(answer: Answering, job: Callable[[int], Store | Fetch], why: str) -> None:
    with pytest.raises(LoadFailed, match=why):
        await _carried_out(answer, job)


async def test_a_server_that_goes_away_is_a_failure() -> None:
    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(leave, "127.0.0.1", 0)
    async with server:
        job = _store(count=1)(server.sockets[0].getsockname()[1])
        with pytest.raises(LoadFailed):
            await asyncio.to_thread(carry_out, job)
