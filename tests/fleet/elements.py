"""A storage element from all its sides: list, change feed, attributes, content, search, and the bare disk."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from artstore_kit.testing.patience import eventually
from tests.fleet.wire import Wire
from tools.fleet.fleet import Fleet

ELEMENTS = ("edit-1", "rw-1")

type Files = dict[str, Any]
"""Attributes by file id."""


def staged(fleet: Fleet) -> list[Path]:
    """What lies in the elements' staging."""
    found = (path for name in ELEMENTS for path in (fleet.layout.element(name) / "staging").rglob("*"))
    return [path for path in found if path.is_file()]


def kept(fleet: Fleet, collection: str) -> list[str]:
    """The names of a collection's files, as the elements' disks have them."""
    paths = [path for name in ELEMENTS for path in (fleet.layout.element(name) / "files").rglob("*.attr.json")]
    documents = [json.loads(path.read_bytes()) for path in paths]
    return sorted(each["content"]["name"] for each in documents if each["collection"] == collection)


async def nothing_is_staged(fleet: Fleet) -> None:
    """Return as soon as all staging is empty."""

    async def is_empty() -> bool:
        return staged(fleet) == []

    await eventually(is_empty, within_s=5)


@dataclass(frozen=True)
class Element:
    """One element and the collection that is looked at."""

    wire: Wire
    name: str
    collection: str

    async def agreed(self) -> dict[str, str]:
        """The sha256 of each file by its name, when all sides say the same of it."""
        there = self.on_disk()
        for file_id, attributes in there.items():
            assert await self._attributes(file_id) == attributes
            assert await self._content_sha256(file_id) == attributes["content"]["sha256"]
        # The index may lag, and it is what these three read.
        for view in (self._listed, self._fed, self._found):
            await self._until_agrees(view, there)
        return {each["content"]["name"]: each["content"]["sha256"] for each in there.values()}

    async def _until_agrees(self, view: Callable[[], Awaitable[Files]], there: Files) -> None:
        seen: Files = {}

        async def agrees() -> bool:
            nonlocal seen
            seen = await view()
            return seen == there

        with suppress(TimeoutError):
            await eventually(agrees, within_s=10)
        assert seen == there, view.__name__

    async def _listed(self) -> Files:
        items = [item async for page in self._pages("/files", {"limit": "200"}, "cursor") for item in page["items"]]
        return {item["file_id"]: item for item in items if item["collection"] == self.collection}

    def on_disk(self) -> Files:
        """All files by their attr.json, each beside its content, and that which it replaced; nothing else."""
        root = self.wire.fleet.layout.element(self.name) / "files"
        documents = {path: json.loads(path.read_bytes()) for path in root.rglob("*.attr.json")}
        for path, document in documents.items():
            _lies_beside(path, document)
        there = {path.name for path in root.rglob("*") if path.is_file()}
        assert there <= {name for document in documents.values() for name in _names(document)}
        return {each["file_id"]: each for each in documents.values() if each["collection"] == self.collection}

    async def _fed(self) -> Files:
        items = [item async for page in self._pages("/changes", {"limit": "200"}, "after") for item in page["items"]]
        kept = [item["attributes"] for item in items if item["attributes"]]
        return {each["file_id"]: each for each in kept if each["collection"] == self.collection}

    async def _found(self) -> Files:
        answer = await self.wire.search(collection=self.collection, limit="1000")
        files = [item["file"] for item in answer.raise_for_status().json()["items"]]
        return {each["file_id"]: each for each in files if each["element"]["id"] == self.name}

    async def _pages(self, path: str, asked: Mapping[str, str], name: str) -> AsyncIterator[dict[str, Any]]:
        following: str | None = None
        while True:
            parameters = {**asked, **({name: following} if following else {})}
            answer = await self.wire.ask("GET", self.name, path, params=parameters)
            page = answer.raise_for_status().json()
            yield page
            following = page.get("next_cursor") or str(page.get("next_after") or "")
            if not page["items"] or not following:
                return

    async def _attributes(self, file_id: str) -> Any:
        return (await self.wire.ask("GET", self.name, f"/files/{file_id}")).raise_for_status().json()

    async def _content_sha256(self, file_id: str) -> str:
        answer = await self.wire.ask("GET", self.name, f"/files/{file_id}/content")
        return sha256(answer.raise_for_status().content).hexdigest()


def _names(document: Mapping[str, Any]) -> list[str]:
    versions = range(1, document["content"]["version"] + 1)
    return [f"{document['file_id']}{suffix}" for suffix in (".attr.json", *(f".v{version}" for version in versions))]


def _lies_beside(attributes: Path, document: Mapping[str, Any]) -> None:
    content = attributes.with_name(f"{document['file_id']}.v{document['content']['version']}")
    data = content.read_bytes()
    assert (len(data), sha256(data).hexdigest()) == (document["content"]["size"], document["content"]["sha256"])
