"""Content on its way in: hashed, bounded, and gone when it is not wanted."""

import asyncio
import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fences import taken_over
from running_element import MIB

from storage_element.adapters.local.direct import Buffers, DirectFile
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.staging import Staging
from storage_element.domain.records import NO_STAGING

INLINE_BYTES = 1000
CONTENT = bytes(range(256)) * 4 * 1024 * 14 + b"odd end"

type Stage = Callable[[], Staging]


@pytest.fixture
def files(root: Path) -> Iterator[LocalFiles]:
    fence = taken_over(root)
    files = LocalFiles(root, fence)
    yield files
    files.close()


@pytest.fixture
def directory(files: LocalFiles) -> Path:
    return Path(files.fence.path(""))


@pytest.fixture
def stage(files: LocalFiles) -> Iterator[Stage]:
    buffers = Buffers()
    with ThreadPoolExecutor(2) as executor:
        yield lambda: Staging(files, executor, buffers, INLINE_BYTES)


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def upload(staging: Staging, content: bytes = CONTENT) -> None:
    await write(staging, content, 65_536)
    await staging.finish()


async def write(staging: Staging, content: bytes, piece: int) -> None:
    for at in range(0, len(content), piece):
        await staging.write(content[at : at + piece])


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES])
async def test_small_content_stays_in_memory(stage: Stage, directory: Path, size: int) -> None:
    staging = stage()
    await write(staging, CONTENT[:size], 7)
    assert await staging.finish() == (CONTENT[:size], hashlib.sha256(CONTENT[:size]).hexdigest())
    assert (staging.size, staging.name, staging.is_in_memory) == (size, NO_STAGING, True)
    assert names(directory) == []


@pytest.mark.parametrize("size", [INLINE_BYTES + 1, 4096, MIB - 1, MIB, MIB + 1, 5 * MIB, 5 * MIB + 1, len(CONTENT)])
@pytest.mark.parametrize("piece", [65_536, 1_000_003])
async def test_larger_content_is_staged_bit_for_bit(stage: Stage, directory: Path, size: int, piece: int) -> None:
    staging = stage()
    await write(staging, CONTENT[:size], piece)
    assert await staging.finish() == (b"", hashlib.sha256(CONTENT[:size]).hexdigest())
    assert (directory / str(staging.name)).read_bytes() == CONTENT[:size]
    await staging.discard()
    assert names(directory) == []


async def test_content_is_written_past_the_page_cache_on_a_real_disk(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path, taken_over(tmp_path))
    with ThreadPoolExecutor(2) as executor:
        staging = Staging(files, executor, Buffers(), INLINE_BYTES)
        await write(staging, CONTENT, 65_536)
        await staging.finish()
        assert files.staged(staging.name).read_bytes() == CONTENT
    files.close()


async def test_buffers_are_used_again_without_what_was_in_them(stage: Stage, directory: Path) -> None:
    for content in (b"x" * (2 * MIB), b"y" * (MIB + 5)):
        staging = stage()
        await write(staging, content, 100_000)
        await staging.finish()
        assert (directory / str(staging.name)).read_bytes() == content


async def test_what_is_handed_over_is_left_to_recovery(stage: Stage, directory: Path) -> None:
    staging = stage()
    await write(staging, CONTENT, 65_536)
    await staging.finish()
    staging.hand_over()
    await staging.discard()
    assert names(directory) == [str(staging.name)]
    staging.take_back()
    await staging.discard()
    assert names(directory) == []


@pytest.mark.parametrize("at", [2000, MIB, 2 * MIB + 77])
async def test_an_upload_that_ends_half_way_leaves_nothing(stage: Stage, directory: Path, at: int) -> None:
    staging = stage()
    await write(staging, CONTENT[:at], 65_536)
    await staging.discard()
    assert names(directory) == []


@pytest.mark.parametrize("call", ["pwrite", "ftruncate", "fdatasync"])
async def test_an_error_of_the_disk_reaches_the_upload(
    stage: Stage, directory: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, fails)
    staging = stage()
    with pytest.raises(OSError, match="Input/output"):
        await upload(staging)
    await staging.discard()
    assert names(directory) == []


async def test_a_cancelled_upload_waits_for_its_threads(
    stage: Stage, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that writes on while its file is closed would write into whatever is opened next."""
    goes_on, began = threading.Event(), threading.Event()
    append = DirectFile.append
    open_when_it_wrote: list[bool] = []

    def slow(file: DirectFile, *args: object) -> None:
        began.set()
        goes_on.wait(5)
        open_when_it_wrote.append(file._fd >= 0)
        append(file, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(DirectFile, "append", slow)
    staging = stage()
    sending = asyncio.create_task(upload(staging))
    await asyncio.to_thread(began.wait, 5)
    sending.cancel()
    await asyncio.wait([sending])
    discarding = asyncio.create_task(staging.discard())
    await asyncio.sleep(0.02)
    assert not discarding.done()
    goes_on.set()
    await discarding
    assert open_when_it_wrote
    assert all(open_when_it_wrote)
    assert names(directory) == []


async def test_a_full_disk_is_told_by_its_number(small_disk: Path) -> None:
    files = LocalFiles(small_disk, taken_over(small_disk))
    with ThreadPoolExecutor(2) as executor:
        staging = Staging(files, executor, Buffers(), INLINE_BYTES)
        with pytest.raises(OSError, match="No space left") as refused:
            await upload(staging)
        assert refused.value.errno == errno.ENOSPC
        await staging.discard()
    files.close()
    assert files.fence.entries() == []
