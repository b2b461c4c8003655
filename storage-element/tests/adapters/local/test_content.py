"""Content in chunks: from memory at once, from the disk in a thread, never less than was promised."""

import errno
import os
from collections.abc import AsyncIterator, Buffer, Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from artstore_kit.contracts.errors import ContentCorrupt
from artstore_kit.sendfile import FileSpan
from storage_element.adapters.local.content import CHUNK_BYTES, COPIED_BYTES, LocalContent

CONTENT = bytes(range(256)) * (10 * 1024) + b"odd end"

type Preadv = Callable[[int, Sequence[Buffer], int, int], int]


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
async def fd(tmp_path: Path) -> AsyncIterator[int]:
    (tmp_path / "content").write_bytes(CONTENT)
    fd = os.open(tmp_path / "content", os.O_RDONLY)
    yield fd
    os.close(fd)


async def read(content: LocalContent, start: int, length: int) -> list[bytes]:
    return [bytes(chunk) async for chunk in content.chunks(start, length)]


@pytest.mark.parametrize(("start", "length"), [(0, len(CONTENT)), (7, 100), (CHUNK_BYTES - 1, CHUNK_BYTES + 2), (5, 0)])
async def test_a_span_is_read_as_it_is(fd: int, executor: Executor, start: int, length: int) -> None:
    chunks = await read(LocalContent(fd, executor), start, length)
    assert b"".join(chunks) == CONTENT[start : start + length]
    assert all(len(chunk) <= CHUNK_BYTES for chunk in chunks)


def patched(monkeypatch: pytest.MonkeyPatch, nowait: Preadv) -> list[str]:
    """`nowait` in the place of reads that may not wait; which reads there were."""
    calls: list[str] = []
    really = os.preadv

    def preadv(fd: int, buffers: Sequence[Buffer], offset: int, flags: int = 0) -> int:
        calls.append("nowait" if flags == os.RWF_NOWAIT else "thread")
        return nowait(fd, buffers, offset, flags) if flags else really(fd, buffers, offset)

    monkeypatch.setattr(os, "preadv", preadv)
    return calls


async def test_what_is_in_memory_needs_no_thread(fd: int, executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.preadv
    calls = patched(monkeypatch, lambda fd, buffers, offset, _: really(fd, buffers, offset))
    assert b"".join(await read(LocalContent(fd, executor), 0, len(CONTENT))) == CONTENT
    assert set(calls) == {"nowait"}


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EOPNOTSUPP, errno.EIO])
async def test_what_is_not_is_read_in_a_thread(
    fd: int, executor: Executor, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuses(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    calls = patched(monkeypatch, refuses)
    assert b"".join(await read(LocalContent(fd, executor), 0, len(CONTENT))) == CONTENT
    assert calls == ["nowait", "thread"] * 3


async def test_what_is_partly_in_memory_is_read_in_parts(
    fd: int, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.preadv

    def some(fd: int, buffers: Sequence[Buffer], offset: int, _: int) -> int:
        if offset % 3 == 0:
            return 0
        return really(fd, [memoryview(buffers[0])[:1000]], offset)

    patched(monkeypatch, some)
    assert b"".join(await read(LocalContent(fd, executor), 1, 300_000)) == CONTENT[1:300_001]


async def test_large_content_stays_in_the_page_cache(fd: int, executor: Executor) -> None:
    async def kinds(length: int) -> set[type]:
        return {type(chunk) async for chunk in LocalContent(fd, executor).chunks(1, length)}

    assert await kinds(COPIED_BYTES) == {memoryview}
    assert await kinds(COPIED_BYTES + 1) == await kinds(len(CONTENT) - 1) == {FileSpan}


async def test_a_file_that_ends_too_early_is_corrupt(fd: int, executor: Executor) -> None:
    with pytest.raises(ContentCorrupt):
        await read(LocalContent(fd, executor), 5, len(CONTENT))
