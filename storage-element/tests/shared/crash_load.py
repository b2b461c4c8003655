"""Callers who work on an element until it dies, and what they had been told."""

import asyncio
import hashlib
import os
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from artstore_kit.contracts.files import ATTRIBUTES_HEADER, FileAttributes
from artstore_kit.contracts.ids import new_file_id

SENDERS = 8
SIZES = (0, 10, 4096, 70_000, 1_500_000)


@dataclass
class Load:
    """Callers who store, replace, change and remove files without pause, and what they were told."""

    http: httpx.AsyncClient
    begun: set[UUID] = field(default_factory=set)
    stored: dict[UUID, str] = field(default_factory=dict)
    revisions: dict[UUID, int] = field(default_factory=dict)
    replacing: dict[UUID, str] = field(default_factory=dict)
    in_doubt: set[UUID] = field(default_factory=set)
    removed: set[UUID] = field(default_factory=set)

    async def run(self, number: int) -> None:
        """One caller."""
        while True:
            content = os.urandom(SIZES[number % len(SIZES)])
            file_id = new_file_id()
            await self._store(file_id, content)
            if number % 3 == 0:
                await self._change(file_id)
            if number % 5 == 0:
                await self._replace(file_id, os.urandom(SIZES[(number + 2) % len(SIZES)]))
            if number % 4 == 0:
                await self._remove(file_id)
            number += 1

    async def _store(self, file_id: UUID, content: bytes) -> None:
        self.begun.add(file_id)
        headers = {ATTRIBUTES_HEADER: '{"name": "x"}'}
        answer = await self._asked("PUT", f"/api/v1/files/{file_id}", content=content, headers=headers)
        assert answer.status_code == 201, answer.text
        self.stored[file_id] = hashlib.sha256(content).hexdigest()
        self.revisions[file_id] = 1

    async def _change(self, file_id: UUID) -> None:
        answer = await self._asked("PATCH", f"/api/v1/files/{file_id}", json={"tags": ["changed"]})
        assert answer.status_code == 200, answer.text
        self.revisions[file_id] = 2

    async def _replace(self, file_id: UUID, content: bytes) -> None:
        self.replacing[file_id] = hashlib.sha256(content).hexdigest()
        answer = await self._asked("PUT", f"/api/v1/files/{file_id}/content", content=content)
        assert answer.status_code == 200, answer.text
        self.stored[file_id] = self.replacing[file_id]
        self.revisions[file_id] += 1

    async def _remove(self, file_id: UUID) -> None:
        self.in_doubt.add(file_id)
        answer = await self._asked("DELETE", f"/api/v1/files/{file_id}")
        assert answer.status_code == 204, answer.text
        self.removed.add(file_id)

    async def _asked(self, method: str, url: str, **given: Any) -> httpx.Response:
        """Asked again while the element's own upkeep is looking at the file."""
        while True:
            answer = await self.http.request(method, url, **given)
            if answer.status_code != 409 or answer.json()["code"] != "upload_in_progress":
                return answer
            await asyncio.sleep(0.01)

    def so_far(self) -> "Told":
        """What was known at this moment."""
        return Told(
            begun=set(self.begun),
            stored=dict(self.stored),
            revisions=dict(self.revisions),
            replacing=dict(self.replacing),
            in_doubt=set(self.in_doubt),
            removed=set(self.removed),
        )


@dataclass(frozen=True)
class Told:
    """What callers had been told when the element died."""

    begun: set[UUID]
    stored: dict[UUID, str]
    revisions: dict[UUID, int]
    replacing: dict[UUID, str]
    in_doubt: set[UUID]
    removed: set[UUID]

    def check(self, found: dict[UUID, FileAttributes], contents: dict[UUID, str]) -> None:
        """Everything acknowledged is there; what was not is there whole or not at all."""
        assert set(found) <= self.begun
        assert set(self.stored) - set(found) <= self.in_doubt
        assert not self.removed & set(found)
        for file_id, file in found.items():
            assert contents[file_id] == file.content.sha256
            assert file.content.sha256 in {self.stored.get(file_id, file.content.sha256), self.replacing.get(file_id)}
            assert file.revision >= self.revisions.get(file_id, 1)
