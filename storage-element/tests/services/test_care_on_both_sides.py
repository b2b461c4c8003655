"""What keeps an element true does so in a directory and in a bucket: scrub, reconcile, expiry, rebuild of the index."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

import boto3
import pytest
import s3_servers
import sqlalchemy as sa
from running_element import Element, ElementAt, code

from artstore_kit.contracts.files import ChangePage, FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.postgres import Database
from artstore_kit.testing.patience import eventually
from storage_element.config import ExpirySettings, ReconcileSettings, ScrubSettings
from storage_element.domain import layout

LARGE = b"large" * 2**18
IDLE = {
    "scrub": ScrubSettings(enabled=False, mib_per_s=10_000),
    "reconcile": ReconcileSettings(enabled=False, files_per_s=100_000),
    "expiry": ExpirySettings(interval_s=3600, files_per_s=10_000),
}


class Shelf(Protocol):
    """What lies in the element, for somebody who goes past it."""

    def read(self, key: str) -> bytes | None:
        """None when nothing is there."""

    def write(self, key: str, data: bytes) -> None:
        """Over what is there."""

    def remove(self, key: str) -> None:
        """For good."""

    def names(self, below: str) -> list[str]:
        """Of what lies in a directory."""


@dataclass
class Directory:
    root: Path

    def read(self, key: str) -> bytes | None:
        path = self.root / key
        return path.read_bytes() if path.exists() else None

    def write(self, key: str, data: bytes) -> None:
        (self.root / key).write_bytes(data)

    def remove(self, key: str) -> None:
        (self.root / key).unlink()

    def names(self, below: str) -> list[str]:
        return sorted(path.name for path in (self.root / below).iterdir())


@dataclass
class Bucket:
    client: Any
    prefix: str

    def read(self, key: str) -> bytes | None:
        try:
            body: bytes = self.client.get_object(**self._at(key))["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None
        return body

    def write(self, key: str, data: bytes) -> None:
        self.client.put_object(**self._at(key), Body=data)

    def remove(self, key: str) -> None:
        self.client.delete_object(**self._at(key))

    def names(self, below: str) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=s3_servers.BUCKET, Prefix=f"{self.prefix}/{below}/")
        return sorted(each["Key"].rpartition("/")[2] for each in listed.get("Contents", []))

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": s3_servers.BUCKET, "Key": f"{self.prefix}/{key}"}


@dataclass
class Place:
    """Where the element is, and how it is opened there."""

    shelf: Shelf
    opened: Callable[[], AbstractAsyncContextManager[Element]]


@pytest.fixture(params=["directory", "moto", "seaweed"])
def place(element_at: ElementAt, root: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "directory":
        yield Place(Directory(root), partial(element_at, root, **IDLE))
        return
    url, prefix = request.getfixturevalue(f"{request.param}_url"), uuid4().hex
    keys = {"aws_access_key_id": s3_servers.KEY, "aws_secret_access_key": s3_servers.SECRET}
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
    s3 = s3_servers.settings_of(url, prefix)
    yield Place(Bucket(client, prefix), partial(element_at, root, s3=s3, **IDLE))
    client.close()


@pytest.fixture
async def element(place: Place) -> AsyncIterator[Element]:
    async with place.opened() as element:
        yield element


def content_key(file: FileAttributes) -> str:
    return layout.content_path(file.file_id, file.content.version)


async def status(element: Element, what: str) -> dict[str, Any]:
    told: dict[str, Any] = (await element.http.get(f"/api/v1/element/{what}")).json()
    return told


async def scrubbed(element: Element) -> list[str]:
    """The files that a whole pass found damaged."""
    before = (await status(element, "scrub"))["cursor"]["finished_at"]
    assert (await element.http.post("/api/v1/element/scrub/start")).status_code == 202

    async def done() -> bool:
        return (await status(element, "scrub"))["cursor"]["finished_at"] not in {None, before}

    await eventually(done, 15)
    damaged: list[str] = (await status(element, "scrub"))["damaged"]
    return damaged


async def reconciled(element: Element) -> dict[str, tuple[str, str]]:
    """Kind and what was done, by the name of what a whole comparison found."""
    before = (await status(element, "reconcile"))["last"]
    assert (await element.http.post("/api/v1/element/reconcile/start")).status_code == 202

    async def done() -> bool:
        now = await status(element, "reconcile")
        return now["current"] is None and now["last"] is not None and now["last"] != before

    await eventually(done, 15)
    findings = (await status(element, "reconcile"))["last"]["findings"]
    return {Path(each["path"]).name: (each["kind"], each["done"]) for each in findings}


def seen(page: ChangePage) -> dict[UUID, FileAttributes]:
    return {change.file_id: change.attributes for change in page.items if change.attributes}


async def test_damaged_content_is_found_kept_and_told(place: Place) -> None:
    async with place.opened() as element:
        bystander, small, large = [await element.put(content) for content in (b"bystander", b"content", LARGE)]
        assert await scrubbed(element) == []
        await element.services.checkpoint.run()  # until then a bucket's journal would tell, and mend it
        damaged = LARGE[:-1] + b"x"
        place.shelf.write(content_key(small), b"c0ntent")
        place.shelf.write(content_key(large), damaged)
        assert set(await scrubbed(element)) == {str(small.file_id), str(large.file_id)}
    async with place.opened() as element:
        for file in (small, large):
            assert code(await element.content(file.file_id)) == (410, "content_corrupt")
            assert await element.attributes(file.file_id) == file
            assert place.shelf.read(content_key(file)) is None
        assert (await element.content(bystander.file_id)).content == b"bystander"
    kept = {f"{file.file_id}.v1.1" for file in (small, large)}
    assert set(place.shelf.names(layout.QUARANTINE)) == kept | {f"{name}.reason.json" for name in kept}
    assert place.shelf.read(f"{layout.QUARANTINE}/{large.file_id}.v1.1") == damaged


async def test_attributes_content_and_index_are_compared(place: Place, element: Element, database: Database) -> None:
    files = [await element.put(b"%d" % number) for number in range(5)]
    await element.feed_up_to(5)
    assert await reconciled(element) == {}
    await element.services.checkpoint.run()
    sound, missing, unread, rowless, other = files
    orphan = new_file_id(int(sound.file_id.int >> 80))
    place.shelf.write(layout.content_path(orphan, 1), b"never acknowledged")
    place.shelf.write(f"{layout.directory_of(sound.file_id)}/Thumbs.db", b"somebody else's")
    place.shelf.remove(content_key(missing))
    place.shelf.write(layout.attributes_path(unread.file_id), b'{"half')
    async with database.transaction() as connection:
        await connection.execute(sa.text("DELETE FROM files WHERE file_id = :id"), {"id": rowless.file_id})
    found = await reconciled(element)
    assert found.pop("Thumbs.db") == ("foreign", "told")
    assert found.pop(f"{orphan}.v1") == ("unclaimed_content", "quarantined")
    assert found.pop(f"{missing.file_id}.v1")[0] == "content_missing"
    assert found.pop(f"{unread.file_id}.attr.json") == ("attributes_unreadable", "marked")
    assert {kind for kind, _ in found.values()} == {"row_missing"}
    assert place.shelf.read(f"{layout.directory_of(sound.file_id)}/Thumbs.db") == b"somebody else's"
    assert place.shelf.read(f"{layout.QUARANTINE}/{orphan}.v1.1") == b"never acknowledged"
    assert place.shelf.read(layout.attributes_path(unread.file_id)) == b'{"half'

    async def repaired() -> bool:
        return {rowless.file_id, sound.file_id, other.file_id} <= set(seen(await element.feed_up_to(5)))

    await eventually(repaired, 10)


async def test_what_has_expired_goes_and_nothing_else(place: Place, element: Element) -> None:
    soon = {"kind": "temporary", "expires_at": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}
    gone = await element.put(LARGE, None, retention=soon)
    held = await element.put(b"held", None, retention=soon, holds=[{"id": "case 17"}])
    working = await element.put(b"working")
    await element.feed_up_to(3)

    async def removed() -> bool:
        await element.services.care.expirer.round()
        outcomes: dict[str, int] = (await status(element, "expiry"))["last_outcomes"]
        return outcomes == {"removed": 1, "file_held": 1}

    await eventually(removed, 5)
    assert code(await element.content(gone.file_id)) == (404, "file_unknown")
    assert place.shelf.read(content_key(gone)) is None
    assert [(await element.content(each.file_id)).content for each in (held, working)] == [b"held", b"working"]


async def test_the_index_is_made_anew_from_what_is_kept(place: Place, database: Database) -> None:
    async with place.opened() as element:
        await element.feed_up_to(0)
        files = [await element.put(b"%d" % number) for number in range(3)] + [await element.put(LARGE)]
        await element.remove(files.pop(1).file_id)
        before = await element.feed_up_to(5)
    async with database.transaction() as connection:
        await connection.execute(sa.text("TRUNCATE files, index_state"))
    async with place.opened() as element:
        after = await element.feed_up_to(files[-1].element.lsn, within_s=15)  # it shows no tombstones
        assert after.generation != before.generation
        assert seen(after) == seen(before) == {file.file_id: file for file in files}
