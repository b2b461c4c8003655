"""Multipart uploads: parts that are kept but not seen until they are completed into one object."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage_element.adapters.s3.attempts import Absent
from storage_element.adapters.s3.bucket import Bucket, NotKept, checksum

MOST_PARTS = 10_000
"""Of one upload (the protocol's limit)."""


@dataclass(frozen=True)
class Part:
    """A part that the store has; `checksum` is empty where the store names none."""

    number: int
    etag: str
    checksum: str


@dataclass(frozen=True)
class Upload:
    """A multipart upload to a key."""

    key: str
    upload_id: str


class Multipart:
    """The multipart uploads of a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        """A new upload of an object with this metadata."""
        options = {"ChecksumAlgorithm": "SHA256", "Metadata": dict(metadata)}
        answer = await self._ask("create_multipart_upload", **self._bucket.at(key), **options)
        return Upload(key, answer["UploadId"])

    async def put(self, upload: Upload, number: int, data: bytes | bytearray) -> Part:
        """Keep a part, as often as one likes; `NotKept` unless the store names the checksum of what it was sent."""
        digest = await asyncio.to_thread(checksum, data)
        named = {"PartNumber": number, "Body": data, "ChecksumSHA256": digest}
        answer = await self._ask("upload_part", **self._at(upload), **named)
        etag, told = str(answer["ETag"]), str(answer.get("ChecksumSHA256", ""))
        if told != digest and (told or etag.strip('"') != hashlib.md5(data, usedforsecurity=False).hexdigest()):
            raise NotKept(f"{upload.key}: the store does not have part {number} as it was sent")
        return Part(number, etag, told)

    async def must_have(self, upload: Upload, parts: Sequence[Part]) -> None:
        """Return when the store lists all of them; `NotKept`. Before anything is written that relies on them."""
        asked, there = self._at(upload), dict[int, str]()
        try:
            while True:
                page = await self._ask("list_parts", **asked)
                there |= {each["PartNumber"]: each["ETag"] for each in page.get("Parts", [])}
                if not page.get("IsTruncated"):
                    break
                asked["PartNumberMarker"] = page["NextPartNumberMarker"]
        except Absent:
            raise NotKept(f"{upload.key}: the store does not have the upload that it took parts of") from None
        if any(there.get(each.number) != each.etag for each in parts):
            raise NotKept(f"{upload.key}: the store does not have the parts that it said it had")

    async def copy(self, upload: Upload, number: int, source: Mapping[str, Any], first: int, last: int) -> Part:
        """A part that the store copies: the bytes from `first` to `last` of another object."""
        named = {"PartNumber": number, "CopySourceRange": f"bytes={first}-{last}", **source}
        answer = (await self._ask("upload_part_copy", **self._at(upload), **named))["CopyPartResult"]
        return Part(number, str(answer["ETag"]), str(answer.get("ChecksumSHA256", "")))

    async def complete(self, upload: Upload, parts: Sequence[Part]) -> None:
        """Make the object of its parts, as often as one likes; `Absent` when the upload is gone, or was completed."""
        named = [
            {"PartNumber": each.number, "ETag": each.etag}
            | ({"ChecksumSHA256": each.checksum} if each.checksum else {})
            for each in parts
        ]
        await self._ask("complete_multipart_upload", **self._at(upload), MultipartUpload={"Parts": named})

    async def abort(self, upload: Upload) -> None:
        """Let go of the parts. That they are gone already is as well."""
        try:
            await self._ask("abort_multipart_upload", **self._at(upload))
        except Absent:
            return

    async def list(self, prefix: str) -> AsyncIterator[Upload]:
        """All that are neither completed nor aborted, to keys that begin with `prefix`."""
        asked: dict[str, Any] = self._bucket.below(prefix)
        while True:
            page = await self._ask("list_multipart_uploads", **asked)
            for each in page.get("Uploads", []):
                yield Upload(self._bucket.key_of(each["Key"]), each["UploadId"])
            if not page.get("IsTruncated"):
                return
            asked |= {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def _at(self, upload: Upload) -> dict[str, str]:
        return {**self._bucket.at(upload.key), "UploadId": upload.upload_id}

    async def _ask(self, verb: str, **options: Any) -> Any:
        call = getattr(self._bucket.client, verb)
        return await self._bucket.attempts(verb, lambda: call(**options))
