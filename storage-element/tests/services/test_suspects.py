"""Damage that a request meets: it is judged at once as the scrub judges, looked at twice, contained and told."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from running_element import Element, ElementAt, code
from structlog.testing import capture_logs

from artstore_kit.contracts.errors import ContentCorrupt
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.patience import eventually
from storage_element.adapters.local.files import LocalFiles
from storage_element.config import ScrubSettings
from storage_element.domain import layout
from storage_element.domain.upkeep import ContentUnreadable
from storage_element.services.suspects import MOST_WAITING, Suspects

LARGE = os.urandom(2**20 + 7)
SCRUB_IS_OFF = ScrubSettings(enabled=False, mib_per_s=10_000)


@pytest.fixture
async def element(element_at: ElementAt, root: Path) -> AsyncIterator[Element]:
    async with element_at(root, scrub=SCRUB_IS_OFF) as element:
        yield element


def aside(element: Element) -> list[str]:
    return sorted(each.name for each in (element.root / layout.QUARANTINE).iterdir())


async def answered_with(element: Element, file: FileAttributes, expected: tuple[int, str]) -> None:
    async def is_so() -> bool:
        return code(await element.content(file.file_id)) == expected

    await eventually(is_so)


@pytest.mark.parametrize("damage", ["shorter", "longer", "missing"])
async def test_what_a_reader_finds_wrong_is_contained(element: Element, damage: str) -> None:
    file = await element.put(b"content")
    path = element.content_path(file)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"content and more" if damage == "longer" else b"cont")
    with capture_logs() as logs:
        assert code(await element.content(file.file_id)) == (502, "content_corrupt")
        await answered_with(element, file, (410, "content_corrupt"))
    name = f"{file.file_id}.v1.1"
    assert aside(element) == ([] if damage == "missing" else [name]) + [f"{name}.reason.json"]
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["content corrupt"]
    assert (await element.http.get("/api/v1/element")).json()["state"] == "content_corrupt"
    assert "artstore_element_corrupt_contents 1.0" in (await element.http.get("/metrics")).text


async def test_what_cannot_be_read_in_the_middle_is_contained(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await element.put(LARGE)
    really = os.preadv

    def fails_later(fd: int, buffers: Any, offset: int, flags: int = 0) -> int:
        if offset > 2**19:
            raise OSError(errno.EIO, "Input/output error")
        return really(fd, buffers, offset, flags)

    def unreadable(*_: object) -> None:
        raise ContentUnreadable("cannot be read: Input/output error", may_pass=False)

    with monkeypatch.context() as patched:
        patched.setattr(os, "preadv", fails_later)
        patched.setattr("storage_element.adapters.local.upkeep.Rereading", unreadable)
        with pytest.raises(ContentCorrupt):  # the answer has begun: the server cuts the connection
            await element.content(file.file_id)
        containment = element.services.reader._containment
        await eventually(lambda: _holds(containment.of(file.file_id, 1) is not None))
        assert code(await element.content(file.file_id)) == (410, "content_corrupt")
    assert len(aside(element)) == 2


async def test_what_two_more_readings_find_sound_stays(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    file = await element.put(b"content")
    with monkeypatch.context() as patched:
        patched.setattr("storage_element.adapters.local.content.os.fstat", lambda _: os.stat_result((0,) * 10))
        assert code(await element.content(file.file_id)) == (502, "content_corrupt")
    containment = element.services.reader._containment
    await eventually(lambda: _holds(not containment.suspects._waiting))
    assert (await element.content(file.file_id)).content == b"content"
    assert aside(element) == []


async def _holds(what: bool) -> bool:
    return what


@pytest.mark.parametrize("fails", ["parsing", "reading"])
async def test_attributes_that_cannot_be_read_are_marked_once(
    element: Element, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    file = await element.put(b"content")
    element.services.reader.forget(file.file_id)

    def unreadable(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    if fails == "parsing":
        element.attributes_path(file).write_bytes(b"{")
    else:
        monkeypatch.setattr(LocalFiles, "read_attributes", unreadable)
    assert code(await element.http.get(f"/api/v1/files/{file.file_id}")) == (502, "content_corrupt")
    await eventually(lambda: _holds(aside(element) != []))
    assert code(await element.http.get(f"/api/v1/files/{file.file_id}")) == (502, "content_corrupt")
    assert element.content_path(file).exists()
    assert len(aside(element)) == 1


async def test_damage_all_over_is_a_fault_of_the_disk(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more is moved until somebody has looked at the disk and started the scrub again."""
    monkeypatch.setattr("storage_element.services.scrub.MOST_DAMAGED_IN_A_ROW", 3)
    monkeypatch.setattr("storage_element.services.scrub.LOOK_AGAIN_S", 0.01)
    documents = [await element.put(f"content {number}".encode()) for number in range(10)]
    files = documents[::2]
    for file in files:
        element.content_path(file).write_bytes(b"")
        assert code(await element.content(file.file_id))[1] == "content_corrupt"
    scrubber = element.services.care.scrubber
    await eventually(lambda: _holds(scrubber.status().state == "stopped"))
    assert len(scrubber.status().damaged) == 3
    assert code(await element.content(files[4].file_id)) == (502, "content_corrupt")
    scrubber.start()
    await answered_with(element, files[4], (410, "content_corrupt"))


async def test_suspects_are_one_each_and_bounded() -> None:
    suspects = Suspects()
    files = [new_file_id() for _ in range(MOST_WAITING + 1)]
    for file_id in (*files, *files):
        suspects.add(file_id, "is wrong")
    for file_id in files[:-1]:
        assert await suspects.next() == file_id
        suspects.judged(file_id)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await suspects.next()
