"""Reading: content of the size that its attributes name, attributes remembered until they change."""

import errno
import os

import pytest
from running_element import Element, code

from artstore_kit.contracts.errors import ContentCorrupt

CONTENT = b"content"


@pytest.mark.parametrize("damage", ["longer", "shorter", "missing"])
async def test_content_without_its_size_is_not_served(element: Element, damage: str) -> None:
    file = await element.put(CONTENT)
    path = element.content_path(file)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(CONTENT + b"x" if damage == "longer" else CONTENT[:-1])
    assert code(await element.content(file.file_id, range="bytes=0-0")) == (502, "content_corrupt")
    assert code(await element.content(file.file_id))[1] == "content_corrupt"
    assert (await element.attributes(file.file_id)) == file


async def test_content_that_the_disk_cannot_read_is_corrupt(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    file = await element.put(CONTENT)
    content = await element.services.reader._files.open_content(file.file_id, 1)

    def fails(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "preadv", fails)
        with pytest.raises(ContentCorrupt, match="cannot be read"):
            await anext(content.chunks(0, 7))
    content.close()


async def test_attributes_that_cannot_be_read_are_told(element: Element) -> None:
    file = await element.put()
    element.attributes_path(file).write_bytes(b'{"schema": 1}')
    element.services.reader.forget(file.file_id)
    assert code(await element.http.get(f"/api/v1/files/{file.file_id}")) == (502, "content_corrupt")
    assert code(await element.patch(file.file_id, tags=[])) == (502, "content_corrupt")
    assert code(await element.remove(file.file_id)) == (502, "content_corrupt")
    assert element.content_path(file).exists()


async def test_attributes_are_remembered_until_they_change(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    file = await element.put()
    assert await element.attributes(file.file_id) == file
    with monkeypatch.context() as patched:
        patched.setattr("storage_element.adapters.local.files.LocalFiles.read_attributes", None)
        assert await element.attributes(file.file_id) == file
    await element.patch(file.file_id, tags=["x"])
    assert (await element.attributes(file.file_id)).tags == ["x"]
    await element.remove(file.file_id)
    assert code(await element.http.get(f"/api/v1/files/{file.file_id}")) == (404, "file_unknown")
