"""Two nodes on one element in a bucket: a master that was stopped and goes on is refused, one that dies is replaced."""

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from nodes import LEASE_S, PUT, WRITES_GO_ON_WITHIN_S, BucketNodes, Callers, Nodes, running_nodes
from running_element import SettingsAt
from s3_servers import settings_of

from artstore_kit.contracts.ids import new_file_id
from artstore_kit.settings import PostgresSettings
from storage_element.domain import layout

PATIENCE_S = 30.0
"""Every other request of the callers goes to the node that is stopped, and waits 5 s for it."""


@pytest.fixture
async def nodes(
    settings_at: SettingsAt, postgres: PostgresSettings, seaweed_url: str, tmp_path: Path
) -> AsyncIterator[Nodes]:
    settings = settings_at(tmp_path, s3=settings_of(seaweed_url, f"nodes/{uuid4().hex}"))
    async with running_nodes(settings, tmp_path, "ab", {}) as nodes:
        yield nodes


async def test_nodes_take_over_in_a_bucket(nodes: BucketNodes, bearer: dict[str, str]) -> None:
    async with (
        Callers(nodes, bearer).calling() as callers,
        httpx.AsyncClient(headers=bearer, trust_env=False, timeout=30) as http,
    ):
        await callers.go_on()
        callers.paused.add(first := await nodes.master())
        nodes.signal(first, signal.SIGSTOP)
        url = f"{nodes.processes[first].url}/api/v1/files/{new_file_id()}"
        late = asyncio.ensure_future(http.put(url, content=b"late", headers=PUT))
        second = await nodes.master(other_than=first, within_s=2 * WRITES_GO_ON_WITHIN_S)
        await callers.go_on(PATIENCE_S)
        nodes.signal(first, signal.SIGCONT)
        assert (await late).status_code in {307, 503}
        await asyncio.sleep(2 * LEASE_S)
        assert await nodes.master() == second
        callers.paused.discard(first)
        nodes.kill(second)
        await callers.go_on(PATIENCE_S)
        assert await nodes.master() == first

    def sha256(file_id: UUID) -> str:
        return hashlib.sha256(nodes.read(layout.content_path(file_id, 1)) or b"").hexdigest()

    callers.check(sha256)
