"""The load process: `python -m bench.load` reads a job from its input, carries it out, and writes the outcome."""

import asyncio
import itertools
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import uvloop

from artstore_kit.contracts.batches import MEDIA_TYPE, BatchedFile, answered, request_part
from artstore_kit.contracts.files import UploadAttributes
from artstore_kit.contracts.ids import new_file_id
from bench.bodies import Body
from bench.jobs import FILE_ID, AnyJob, AnyOf, Fetch, LoadFailed, Outcome, Post, Store, StoredFile, StoreMany
from bench.wire import Answer, Connection, Unexpected

KEPT_FILES = 1000
ONE_WRITE_BYTES = 256 * 1024
"""A smaller body is joined to its head."""
SHOWN_BYTES = 500


@dataclass(frozen=True)
class Sending:
    """One request. `expected` is what its answer is compared with after the clock has stopped."""

    head: bytes
    pieces: Iterable[bytes | memoryview] = ()
    file_id: str = ""
    body: Body | None = None
    sha256: str | None = None


@dataclass
class Load:
    """A job under way."""

    job: AnyOf
    times_ms: list[float] = field(default_factory=list)
    kept: list[tuple[Sending, Answer]] = field(default_factory=list)

    async def run(self) -> Outcome:
        """Connect, warm up, then measure."""
        sendings = _sendings(self.job)
        hashing = isinstance(self.job, Fetch) and self.job.sha256 is not None
        connections = [await Connection.to(self.job.port, hashing=hashing) for _ in range(self.job.in_flight)]
        await self._all(connections, itertools.islice(sendings, self.job.warm_up), None)
        self.times_ms.clear()
        self.kept.clear()
        began = time.perf_counter()
        until = None if self.job.seconds is None else began + self.job.seconds
        await self._all(connections, itertools.islice(sendings, self.job.count), until)
        seconds = time.perf_counter() - began
        for connection in connections:
            connection.close()
        return Outcome(done=len(self.times_ms), seconds=seconds, times_ms=self.times_ms, files=self._files())

    async def _all(self, connections: list[Connection], sendings: Iterator[Sending], until: float | None) -> None:
        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(self._work(connection, sendings, until))

    async def _work(self, connection: Connection, sendings: Iterator[Sending], until: float | None) -> None:
        for sending in sendings:
            began = time.perf_counter()
            answer = await connection.ask(sending.head, sending.pieces)
            ended = time.perf_counter()
            self.times_ms.append((ended - began) * 1000)
            self._accept(sending, answer)
            if until is not None and ended >= until:
                return

    def _accept(self, sending: Sending, answer: Answer) -> None:
        if answer.status not in {200, 201, 204}:
            raise LoadFailed(f"answered {answer.status}: {answer.body[:SHOWN_BYTES]!r}")
        if isinstance(self.job, Fetch):
            _check_fetched(self.job, sending, answer)
        elif isinstance(self.job, StoreMany):
            _check_batch(answer)
        elif isinstance(self.job, Store) and self.job.checked and len(self.kept) < KEPT_FILES:
            self.kept.append((sending, answer))

    def _files(self) -> list[StoredFile]:
        """What was stored, once it is known to be what was sent."""
        return [_stored(sending, answer) for sending, answer in self.kept]


def _sendings(job: AnyOf) -> Iterator[Sending]:
    """Without end: whoever sends them says when it is enough."""
    if isinstance(job, Store):
        return (_upload(job) for _ in itertools.count())
    if isinstance(job, StoreMany):
        return (_batch(job, first) for first in itertools.count(step=job.files))
    if isinstance(job, Post):
        return itertools.repeat(_form(job))
    reads = [Sending(_head("GET", path, job.headers), sha256=sha256) for path, sha256 in job.wanted()]
    return itertools.cycle(reads)


def _form(job: Post) -> Sending:
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(job.form))}
    return Sending(_head("POST", job.path, {**job.headers, **kind}) + job.form.encode())


def _upload(job: Store) -> Sending:
    file_id = str(new_file_id())
    body = Body.fresh(job.size_bytes)
    head = _head(job.method, job.path, {**job.headers, "Content-Length": str(job.size_bytes)})
    head = head.replace(FILE_ID.encode(), file_id.encode())
    if job.size_bytes <= ONE_WRITE_BYTES:
        return Sending(b"".join([head, *body.pieces()]), (), file_id, body)
    return Sending(head, body.pieces(), file_id, body)


def _batch(job: StoreMany, first: int) -> Sending:
    moments = (job.first_ms + number * job.apart_ms for number in range(first, first + job.files))
    content = b"".join(request_part(*_described(moment, job.size_bytes)) for moment in moments)
    headers = {**job.headers, "Content-Type": MEDIA_TYPE, "Content-Length": str(len(content))}
    return Sending(_head("PUT", job.path, headers) + content)


def _described(moment_ms: int, size_bytes: int) -> tuple[bytes, bytes]:
    file_id, body = new_file_id(moment_ms), Body.fresh(size_bytes)
    given = UploadAttributes(name=f"{file_id}.bin", tags=["bench"])
    file = BatchedFile(file_id=file_id, acting_for="bench", sha256=body.sha256(), attributes=given)
    return file.model_dump_json(exclude_none=True).encode(), b"".join(body.pieces())


def _head(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _check_fetched(job: Fetch, sending: Sending, answer: Answer) -> None:
    if job.size_bytes is not None and answer.size_bytes != job.size_bytes:
        raise LoadFailed(f"{answer.size_bytes} bytes came instead of {job.size_bytes}")
    if answer.sha256 != sending.sha256:
        raise LoadFailed(f"the content came back altered: {answer.sha256} instead of {sending.sha256}")
    if job.never is not None and job.never.encode() in answer.body:
        raise LoadFailed(f"answered {job.never}: {sending.head.splitlines()[0]!r}")


def _check_batch(answer: Answer) -> None:
    """The element itself compares what came with the sha256 that it was told."""
    refused = [document for status, document in answered(answer.body) if status != 201]
    if refused:
        raise LoadFailed(f"{len(refused)} files of a batch were refused: {refused[0][:SHOWN_BYTES]!r}")


def _stored(sending: Sending, answer: Answer) -> StoredFile:
    assert sending.body is not None
    sha256 = sending.body.sha256()
    if sha256.encode() not in answer.body:
        raise LoadFailed(f"stored as something else than {sha256}: {answer.body[:SHOWN_BYTES]!r}")
    _, found, rest = answer.body.partition(b'"file_id":"')
    return StoredFile(file_id=rest[:36].decode() if found else sending.file_id, sha256=sha256)


def main() -> int:
    """Carry out the job that is given; a failure is one line."""
    load = Load(AnyJob.validate_json(sys.stdin.buffer.read()))
    outcome: list[Outcome] = []
    try:
        outcome.append(uvloop.run(load.run()))
    except* (LoadFailed, Unexpected, OSError) as failures:
        sys.stderr.write(f"{_first(failures)}\n")
    with os.fdopen(
        sys.stdout.fileno(), "wb", closefd=False
    ) as out:  # an unbuffered stdout would lose what a write leaves
        out.writelines(each.model_dump_json().encode() for each in outcome)
    return 0 if outcome else 1


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The others follow from it, or say the same."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


if __name__ == "__main__":
    sys.exit(main())
