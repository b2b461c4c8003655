"""What each mode refuses, as a caller meets it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from running_element import Element, ElementAt, code

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.modes import Mode
from storage_element.domain import layout


@asynccontextmanager
async def of_mode(element_at: ElementAt, root: Path, mode: Mode) -> AsyncIterator[tuple[Element, FileAttributes]]:
    """An element that has come to this mode with a file on it."""
    async with element_at(root) as element:
        file = await element.put(b"content", retention={"policy": "p", "expires_at": "2030-01-01T00:00:00Z"})
    superblock = root / layout.SUPERBLOCK
    superblock.write_text(json.dumps(json.loads(superblock.read_text()) | {"mode": mode.value}))
    async with element_at(root) as element:
        yield element, file


def forbidden(answer: httpx.Response, mode: Mode, operation: str, *allowed: str) -> None:
    assert code(answer) == (409, "mode_forbids")
    problem = answer.json()
    assert (problem["mode"], problem["operation"], problem["allowed_modes"]) == (mode.value, operation, list(allowed))


async def test_edit_allows_everything(element_at: ElementAt, root: Path) -> None:
    async with of_mode(element_at, root, Mode.EDIT) as (element, file):
        assert (await element.send()).status_code == 201
        assert (await element.content(file.file_id)).status_code == 200
        earlier = {"policy": "p", "expires_at": "2029-01-01T00:00:00Z"}
        assert (await element.patch(file.file_id, name="x", retention=earlier)).status_code == 200
        assert (await element.replace(file)).status_code == 200
        assert (await element.remove(file.file_id)).status_code == 204


async def test_rw_takes_files_and_never_loses_one(element_at: ElementAt, root: Path) -> None:
    async with of_mode(element_at, root, Mode.RW) as (element, file):
        assert (await element.send()).status_code == 201
        assert (await element.content(file.file_id)).status_code == 200
        assert (await element.patch(file.file_id, tags=["x"])).status_code == 200
        forbidden(await element.remove(file.file_id), Mode.RW, "delete", "edit")
        forbidden(await element.replace(file), Mode.RW, "replace_content", "edit")
        for change in ({"name": "x"}, {"media_type": "a/b"}):
            forbidden(await element.patch(file.file_id, **change), Mode.RW, "change_attributes", "edit")
        earlier = {"policy": "p", "expires_at": "2029-01-01T00:00:00Z"}
        assert code(await element.patch(file.file_id, retention=earlier)) == (409, "retention_shortened")
        assert (await element.attributes(file.file_id)).revision == 2


@pytest.mark.parametrize("mode", [Mode.RO, Mode.AR])
async def test_ro_and_ar_change_nothing(element_at: ElementAt, root: Path, mode: Mode) -> None:
    async with of_mode(element_at, root, mode) as (element, file):
        forbidden(await element.send(), mode, "create", "edit", "rw")
        forbidden(await element.send(b"content", file.file_id), mode, "create", "edit", "rw")
        forbidden(await element.patch(file.file_id, tags=["x"]), mode, "change_attributes", "edit", "rw")
        forbidden(await element.remove(file.file_id), mode, "delete", "edit")
        forbidden(await element.replace(file), mode, "replace_content", "edit")
        assert await element.attributes(file.file_id) == file
        assert [change.file_id for change in (await element.feed_up_to(1)).items] == [file.file_id]
        listed = (await element.http.get("/api/v1/files")).json()["items"]
        assert [item["file_id"] for item in listed] == [str(file.file_id)]
        assert element.staged() == []


async def test_ro_serves_content_and_ar_does_not(element_at: ElementAt, root: Path) -> None:
    async with of_mode(element_at, root, Mode.RO) as (element, file):
        assert (await element.content(file.file_id)).content == b"content"
    async with of_mode(element_at, root.with_name("archive"), Mode.AR) as (element, file):
        forbidden(await element.content(file.file_id), Mode.AR, "read_content", "edit", "rw", "ro")
        assert (await element.http.head(f"/api/v1/files/{file.file_id}/content")).headers["content-length"] == "7"
