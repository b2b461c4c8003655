"""kill -9 in the middle of everything: what was acknowledged is there and intact, and nothing is half visible."""

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from crash_load import SENDERS, Load, Told
from process import Process, started
from running_element import Element, ElementAt, SettingsAt

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.databases import truncate
from storage_element.domain import layout

READ_ELEMENT = Path(__file__).parents[3] / "tools/read_element.py"
CRASHES = 8


@pytest.fixture
async def process(
    settings_at: SettingsAt, postgres: PostgresSettings, root: Path, tmp_path: Path
) -> AsyncIterator[Process]:
    """An element that makes a checkpoint as often as it can."""
    settings = settings_at(root, checkpoint_interval_s=0.3)
    async with started(settings, tmp_path / "log") as process:
        await process.ready()
        yield process


async def test_whatever_was_acknowledged_survives(
    process: Process, root: Path, bearer: dict[str, str], element_at: ElementAt, postgres: PostgresSettings
) -> None:
    crashes: list[tuple[Path, Told]] = []
    async with httpx.AsyncClient(base_url=process.url, headers=bearer, trust_env=False, timeout=30) as http:
        load = Load(http)
        callers = [asyncio.create_task(load.run(number)) for number in range(SENDERS)]
        for number in range(CRASHES):
            await asyncio.sleep(0.05 + number * 0.037)
            told = load.so_far()
            copy = root.with_name(f"crash-{number}")
            await asyncio.to_thread(process.copy_frozen, root, copy)
            # What began between the question and the freezing may be there, or gone, without an answer.
            told = replace(told, begun=set(load.begun), in_doubt=set(load.in_doubt), replacing=dict(load.replacing))
            crashes.append((copy, told))
        for caller in callers:
            caller.cancel()
        assert {type(each) for each in await asyncio.gather(*callers, return_exceptions=True)} == {
            asyncio.CancelledError
        }
    process.popen.kill()
    await process.ended()
    assert len(crashes[-1][1].stored) > 20
    for copy, told in crashes:
        check_without_artstore(copy, told)
        await truncate(postgres)  # that of the first element knows more than this one
        async with element_at(copy) as element:
            await check(element, told)


def check_without_artstore(root: Path, told: Told) -> None:
    """What a reader sees who has Python's standard library, `docs/formats`, and the journal still full."""
    target = root.with_name(f"{root.name}-extracted")
    reader = [sys.executable, "-I", "-S", str(READ_ELEMENT)]
    listed = subprocess.run([*reader, "ls", "--json", str(root)], capture_output=True, text=True, check=False)
    files = [FileAttributes.model_validate_json(line) for line in listed.stdout.splitlines()]
    extracted = subprocess.run(
        [*reader, "extract", str(root), str(target)], capture_output=True, text=True, check=False
    )
    assert [line for line in extracted.stderr.splitlines() if "that a crash cut off" not in line] == []
    contents = {file.file_id: (target / str(file.file_id) / "x").read_bytes() for file in files}
    told.check(
        {file.file_id: file for file in files},
        {file_id: hashlib.sha256(content).hexdigest() for file_id, content in contents.items()},
    )


async def check(element: Element, told: Told) -> None:
    """On the disk, through the API and in the list."""
    below = element.root / layout.FILES
    paths = {path for path in below.rglob("*") if path.is_file()}
    found = {
        file.file_id: file
        for path in paths
        if path.name.endswith(layout.ATTRIBUTES_SUFFIX)
        for file in [FileAttributes.model_validate_json(path.read_bytes())]
    }
    newest = {
        file_id: element.root / layout.content_path(file_id, file.content.version) for file_id, file in found.items()
    }
    contents = {file_id: hashlib.sha256(path.read_bytes()).hexdigest() for file_id, path in newest.items()}
    told.check(found, contents)
    superseded = {path for path in paths - set(newest.values()) if path.suffix == ".v1"}
    assert len(paths) - len(superseded) == 2 * len(found)
    assert superseded <= {newest[file_id].with_suffix(".v1") for file_id in told.replacing if file_id in newest}
    assert element.staged() == []
    last = max((file.element.lsn for file in found.values()), default=0)
    page = await element.feed_up_to(last)
    assert {change.file_id for change in page.items if change.attributes} == set(found)
    for file_id in list(found)[:3]:
        answer = await element.content(file_id)
        assert hashlib.sha256(answer.content).hexdigest() == contents[file_id]
        assert json.loads((await element.http.get(f"/api/v1/files/{file_id}")).content)["revision"] >= 1
