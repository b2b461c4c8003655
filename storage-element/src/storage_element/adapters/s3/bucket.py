"""Objects below one prefix of a bucket: whole or in ranges, changed on a condition alone, checked by their sha-256."""

import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from storage_element.adapters.s3.attempts import Absent, Attempts, Taken, unavailable
from storage_element.config import S3Settings

MOST_AT_ONCE = 1000
"""Keys in one list, and in one removal of many (the protocol's limit)."""


class NotKept(OSError):
    """The store said that it had kept an object, and has it not, or another."""


@dataclass(frozen=True)
class Object:
    """An object, or what is known of it; `body` is what was asked for of it."""

    size: int
    etag: str
    metadata: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Listed:
    """An entry of a list; the key is relative to the prefix."""

    key: str
    size: int
    changed_at: float


class Bucket:
    """Everything is asked for through here, and asked again when the store was busy or could not be reached.

    Each verb may raise `StorageUnavailable`.
    """

    def __init__(self, client: Any, settings: S3Settings) -> None:
        self.client = client
        self.attempts = Attempts(settings)
        self.name = settings.bucket
        self._once = Attempts(settings.model_copy(update={"attempts_count": 1}))
        self._prefix = f"{settings.prefix.strip('/')}/".lstrip("/")
        self.removes_on_condition = True

    def at(self, key: str) -> dict[str, str]:
        """Where the store finds a key."""
        return {"Bucket": self.name, "Key": self._prefix + key}

    def below(self, prefix: str) -> dict[str, str]:
        """Where the store finds all keys that begin so."""
        return {"Bucket": self.name, "Prefix": self._prefix + prefix}

    def key_of(self, full: str) -> str:
        """A key as the element knows it."""
        return full.removeprefix(self._prefix)

    async def put(self, key: str, body: bytes, replacing: str = "", metadata: Mapping[str, str] | None = None) -> str:
        """Keep `body` at `key`, where nothing is, or the object whose ETag is `replacing`; the new ETag.

        `Taken` when it is otherwise. An answer that was lost is found again: what is there then is `body`.
        `NotKept` when the store has something else than was sent.
        """
        condition = {"IfMatch": replacing} if replacing else {"IfNoneMatch": "*"}
        sent = {"Body": body, "ChecksumSHA256": checksum(body), "Metadata": dict(metadata or {}), **condition}
        try:
            answer = await self.attempts("put", lambda: self.client.put_object(**self.at(key), **sent))
        except (Taken, Absent):
            there = await self.find(key)
            if there is None or there.body != body:
                raise Taken(key) from None
            return there.etag
        if answer.get("ChecksumSHA256", "") != sent["ChecksumSHA256"]:
            await self._read_back(key, body, answer)
        return str(answer["ETag"])

    async def get(self, key: str) -> Object:
        """A whole object, of the size and the checksum that the store names; `Absent`."""
        return await self._fetch(key, ChecksumMode="ENABLED")

    async def find(self, key: str) -> Object | None:
        """A whole object, if there is one."""
        try:
            return await self.get(key)
        except Absent:
            return None

    async def get_range(self, key: str, first: int, last: int, etag: str = "") -> Object:
        """The bytes from `first` to `last` of the object with this ETag, `Taken`; `Absent`, `OutOfRange`."""
        condition = {"IfMatch": etag} if etag else {}
        return await self._fetch(key, Range=f"bytes={first}-{last}", **condition)

    async def head(self, key: str) -> Object | None:
        """What is known of an object, if there is one."""
        try:
            answer = await self.attempts("head", lambda: self.client.head_object(**self.at(key)))
        except Absent:
            return None
        return Object(answer["ContentLength"], answer["ETag"], answer.get("Metadata", {}))

    async def reach(self, key: str) -> None:
        """Return when the store answers that it has this object; it is asked once."""
        try:
            await self._once("reach", lambda: self.client.head_object(**self.at(key)))
        except Absent:
            raise unavailable("reach", f"{key} is gone") from None

    async def remove(self, key: str, etag: str) -> None:
        """Remove the object if it is the one with this ETag, or no other where the store knows no such condition.

        `Taken` when it is another. That it is gone already is as well.
        """
        condition = {"IfMatch": etag} if self.removes_on_condition else {}
        try:
            await self.attempts("delete", lambda: self.client.delete_object(**self.at(key), **condition))
        except Absent:
            return

    async def remove_many(self, keys: Sequence[str]) -> None:
        """Remove objects, whatever they are."""
        for at in range(0, len(keys), MOST_AT_ONCE):
            named = [{"Key": self.at(key)["Key"]} for key in keys[at : at + MOST_AT_ONCE]]
            asked = {"Bucket": self.name, "Delete": {"Objects": named, "Quiet": True}}
            answer = await self.attempts("delete_many", partial(self.client.delete_objects, **asked))
            if errors := answer.get("Errors"):
                raise unavailable("delete_many", f"{len(errors)} of {len(named)}: {errors[0].get('Code')}")

    async def list(self, prefix: str, after: str = "") -> AsyncIterator[Sequence[Listed]]:
        """All objects whose keys begin with `prefix`, in the order of their keys, from `after` on, some at a time."""
        asked: dict[str, Any] = self.below(prefix) | ({"StartAfter": self._prefix + after} if after else {})
        while True:
            page = await self.attempts("list", lambda: self.client.list_objects_v2(**asked))
            yield [
                Listed(self.key_of(each["Key"]), each["Size"], each["LastModified"].timestamp())
                for each in page.get("Contents", [])
            ]
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    async def holds(self, prefix: str) -> bool:
        """Whether there is an object whose key begins with `prefix`."""
        asked = self.below(prefix)
        page = await self.attempts("list", lambda: self.client.list_objects_v2(**asked, MaxKeys=1))
        return bool(page.get("Contents"))

    async def _fetch(self, key: str, **options: str) -> Object:
        async def fetch() -> Object:
            answer = await self.client.get_object(**self.at(key), **options)
            async with answer["Body"] as body:
                data = await body.read()
            whole = str(answer.get("ContentRange", "")).rpartition("/")[2]
            return Object(int(whole or len(data)), answer["ETag"], answer.get("Metadata", {}), data)

        return await self.attempts("get", fetch)

    async def _read_back(self, key: str, body: bytes, answer: Mapping[str, Any]) -> None:
        """The store named another checksum, or, as some do, none."""
        there = None if answer.get("ChecksumSHA256") else await self.find(key)
        if there is None or there.body != body:
            raise NotKept(f"{key}: the store does not have what it was sent")


def checksum(data: bytes | bytearray) -> str:
    """The sha-256 as S3 writes it."""
    return b64encode(hashlib.sha256(data).digest()).decode()
