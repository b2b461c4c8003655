"""kill -9 in the middle of everything, on a real S3 server: what was acknowledged is there, nothing is half visible."""

import asyncio
import hashlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import boto3
import httpx
import s3_servers
from crash_load import SENDERS, Load, Told
from process import Process, started
from running_element import SettingsAt

from artstore_kit.contracts.files import ChangePage, FileAttributes
from storage_element.config import Settings
from storage_element.domain import layout
from storage_element.services.inspect import inspect

READ_ELEMENT = Path(__file__).parents[3] / "tools/read_element.py"
KILLS = 2
ENOUGH = 6


@asynccontextmanager
async def serving(settings: Settings, log: Path, bearer: dict[str, str]) -> AsyncIterator[tuple[Process, Load]]:
    async with started(settings, log) as process:
        await process.ready()
        async with httpx.AsyncClient(base_url=process.url, headers=bearer, trust_env=False, timeout=30) as http:
            yield process, Load(http)


async def killed_under(process: Process, load: Load, after_s: float) -> None:
    """Some time after enough was stored."""
    enough = len(load.stored) + ENOUGH
    callers = [asyncio.create_task(load.run(number)) for number in range(SENDERS)]
    async with asyncio.timeout(60):
        while len(load.stored) < enough:  # noqa: ASYNC110 (it happens in another process)
            await asyncio.sleep(0.01)
    await asyncio.sleep(after_s)
    process.popen.kill()
    ended = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(each, httpx.TransportError) for each in ended), ended


async def test_whatever_was_acknowledged_survives(
    settings_at: SettingsAt, seaweed_url: str, tmp_path: Path, bearer: dict[str, str]
) -> None:
    """Killed again and again, each time started on what the one before left; then stopped in order, and copied."""
    s3 = s3_servers.settings_of(seaweed_url, f"elements/{uuid4()}")
    settings = settings_at(tmp_path / "nowhere", s3=s3, checkpoint_interval_s=0.3)
    told: Load | None = None
    for number in range(KILLS):
        async with serving(settings, tmp_path / "log", bearer) as (process, load):
            told = replace(told, http=load.http) if told else load
            await killed_under(process, told, 0.1 + number * 0.37)
    assert told is not None
    async with serving(settings, tmp_path / "log", bearer) as (process, load):
        found = await everything(load.http)
        told.so_far().check(*found)
        process.popen.send_signal(signal.SIGTERM)
        assert await process.ended() in {0, -signal.SIGTERM}
    copied(s3.prefix, seaweed_url, tmp_path / "copy")
    without_artstore(tmp_path / "copy", told.so_far(), set(found[0]))


async def everything(http: httpx.AsyncClient) -> tuple[dict[UUID, FileAttributes], dict[UUID, str]]:
    """What the feed says once it has come to the end, and the digest of each content."""
    last_lsn = (await http.get("/api/v1/element")).raise_for_status().json()["last_lsn"]
    async with asyncio.timeout(10):
        while (page := await feed(http)) is None or page.next_after < last_lsn:  # noqa: ASYNC110 (from outside there is no event)
            await asyncio.sleep(0.05)
    files = {change.file_id: change.attributes for change in page.items if change.attributes}
    answers = [(file_id, await http.get(f"/api/v1/files/{file_id}/content")) for file_id in files]
    return files, {file_id: hashlib.sha256(a.raise_for_status().content).hexdigest() for file_id, a in answers}


async def feed(http: httpx.AsyncClient) -> ChangePage | None:
    answer = await http.get("/api/v1/changes?limit=5000")
    return ChangePage.model_validate_json(answer.content) if answer.status_code == 200 else None


def copied(prefix: str, url: str, to: Path) -> None:
    """As any tool copies a prefix to a directory."""
    keys = {"aws_access_key_id": s3_servers.KEY, "aws_secret_access_key": s3_servers.SECRET}
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=s3_servers.BUCKET, Prefix=f"{prefix}/"):
        for each in page.get("Contents", []):
            path = to / each["Key"].removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(s3_servers.BUCKET, each["Key"], str(path))
    client.close()


def without_artstore(root: Path, told: Told, listed: set[UUID]) -> None:
    """Stopped in order, a copy is an element's directory; and nothing lies in the bucket that nobody names."""
    reader = [sys.executable, "-I", "-S", str(READ_ELEMENT), "extract", str(root), str(root.parent / "extracted")]
    subprocess.run(reader, check=True, capture_output=True)
    inspection = inspect(root, hashing=True, progress=lambda _: None)
    assert inspection.is_sound, inspection.findings
    assert {path.name for path in root.iterdir()} <= {layout.SUPERBLOCK, layout.FILES, layout.NOTES}
    contents = {each.name: hashlib.sha256((each / "x").read_bytes()) for each in (root.parent / "extracted").iterdir()}
    assert set(contents) == set(map(str, listed))
    for file_id, sha256 in told.stored.items():
        if file_id in listed:
            assert contents[str(file_id)].hexdigest() in {sha256, told.replacing.get(file_id)}
