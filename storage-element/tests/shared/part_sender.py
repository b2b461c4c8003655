"""Somebody who sends an upload in parts."""

import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from element_core import ASKER
from running_element import MIB, Element, arriving

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.uploads import OFFSET_HEADER, UploadView
from artstore_kit.digests import format_sha256
from storage_element.domain import layout
from storage_element.services.receive import NOTHING_ANNOUNCED, Announced

CONTENT = os.urandom(3 * MIB + 4097)


@dataclass
class Sender:
    """Somebody who sends an upload in parts."""

    element: Element
    upload: UploadView

    @property
    def path(self) -> str:
        return f"/api/v1/uploads/{self.upload.upload_id}"

    async def append(
        self, offset: int, part: bytes | AsyncIterator[bytes], digest: str | None = None
    ) -> httpx.Response:
        headers = {OFFSET_HEADER: str(offset)} | ({"Content-Digest": digest} if digest else {})
        return await self.element.http.patch(self.path, content=part, headers=headers)

    async def append_body(
        self, offset: int, body: AsyncIterator[bytes], announced: Announced = NOTHING_ANNOUNCED
    ) -> None:
        uploads = self.element.services.uploads
        await uploads.append(self.upload.upload_id, ASKER, offset, announced, arriving(body))

    async def offset(self) -> int:
        answer = await self.element.http.get(self.path)
        assert answer.headers[OFFSET_HEADER] == str(answer.json()["offset"])
        return int(answer.headers[OFFSET_HEADER])

    async def commit(self, content: bytes | None = None) -> httpx.Response:
        headers = {} if content is None else {"Repr-Digest": format_sha256(hashlib.sha256(content).digest())}
        return await self.element.http.post(f"{self.path}/commit", headers=headers)

    async def stored(self, content: bytes) -> FileAttributes:
        """Commit, which must succeed, and give back this content."""
        answer = await self.commit(content)
        assert answer.status_code == 201, answer.text
        file = FileAttributes.model_validate_json(answer.content)
        assert file.content.sha256 == hashlib.sha256(content).hexdigest()
        assert (await self.element.content(file.file_id)).content == content
        return file


async def begun(element: Element, size: int | None = len(CONTENT), **attributes: object) -> Sender:
    answer = await begin(element, size, **attributes)
    assert answer.status_code == 201, answer.text
    upload = UploadView.model_validate_json(answer.content)
    assert (answer.headers["location"], upload.offset) == (f"/api/v1/uploads/{upload.upload_id}", 0)
    return Sender(element, upload)


async def begin(element: Element, size: int | None, **attributes: object) -> httpx.Response:
    creation = {"file_id": str(new_file_id()), "size": size, "attributes": {"name": "large.bin", **attributes}}
    return await element.http.post("/api/v1/uploads", json=creation)


def staged(root: Path, sender: Sender, suffix: str = "") -> Path:
    """What lies in staging of an upload."""
    (path,) = (root / layout.STAGING).glob(f"*/{sender.upload.upload_id}{suffix}")
    return path
