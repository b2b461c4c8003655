"""kill -9 in the middle of everything: what was acknowledged is there and intact, and nothing is half visible."""

import asyncio
import hashlib
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from crash_load import SENDERS, Load, Told
from process import Process, started
from running_element import Element, ElementAt, SettingsAt

from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.databases import truncate
from storage_element.domain import layout

READ_ELEMENT = Path(__file__).parents[3] / "tools/read_element.py"
CRASHES = 8
CHANGES = frozenset({"file.create", "file.change", "file.replace", "file.remove"})


type Delivered = dict[UUID, AuditEntry]


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
    process: Process,
    root: Path,
    bearer: dict[str, str],
    element_at: ElementAt,
    postgres: PostgresSettings,
    admin: AdminStandIn,
) -> None:
    crashes: list[tuple[Path, Told, Delivered]] = []
    async with httpx.AsyncClient(base_url=process.url, headers=bearer, trust_env=False, timeout=30) as http:
        load = Load(http)
        callers = [asyncio.create_task(load.run(number)) for number in range(SENDERS)]
        for number in range(CRASHES):
            await asyncio.sleep(0.05 + number * 0.037)
            told = load.so_far()
            copy, delivered = root.with_name(f"crash-{number}"), dict[UUID, AuditEntry]()
            copies = {root: copy, spool_of(root): spool_of(copy)}
            await asyncio.to_thread(process.copy_frozen, copies, partial(note, admin, delivered))
            # What began between the question and the freezing may be there, or gone, without an answer.
            told = replace(told, begun=set(load.begun), in_doubt=set(load.in_doubt), replacing=dict(load.replacing))
            crashes.append((copy, told, delivered))
        for caller in callers:
            caller.cancel()
        assert {type(each) for each in await asyncio.gather(*callers, return_exceptions=True)} == {
            asyncio.CancelledError
        }
    process.popen.kill()
    await process.ended()
    assert len(crashes[-1][1].stored) > 20
    admin.audit_failing = True  # what the first element told later is nothing that a killed one could have told
    for copy, told, delivered in crashes:
        check_without_artstore(copy, told)
        await truncate(postgres)  # that of the first element knows more than this one
        async with element_at(copy) as element:
            found = await check(element, told)
            check_audit(told, found, delivered | spooled(spool_of(copy)))


def note(admin: AdminStandIn, delivered: Delivered) -> None:
    """What the audit log has at this moment."""
    delivered |= admin.audit


def spool_of(root: Path) -> Path:
    return root.with_name(f"{root.name}-audit")


def spooled(directory: Path) -> Delivered:
    lines = [line for path in directory.glob("*.jsonl") for line in path.read_bytes().splitlines(keepends=True)]
    entries = [AuditEntry.model_validate_json(line) for line in lines if line.endswith(b"\n")]
    return {entry.entry_id: entry for entry in entries}


def check_audit(told: Told, found: dict[UUID, FileAttributes], entries: Delivered) -> None:
    """Each change that was answered has one entry, and the newest one of each file tells what is there."""
    by_file: dict[UUID, dict[int, str]] = defaultdict(dict)
    for entry in entries.values():
        if entry.action in CHANGES:
            lsns, lsn = by_file[UUID(entry.resource.removeprefix("file:"))], int(str(entry.detail["lsn"]))
            assert lsn not in lsns
            lsns[lsn] = entry.action
    for file_id, revision in told.revisions.items():
        actions = list(by_file[file_id].values())
        assert actions.count("file.create") == 1
        assert sum(action != "file.remove" for action in actions) >= revision
    for file_id in told.removed:
        assert list(by_file[file_id].values()).count("file.remove") == 1
    for file_id, lsns in by_file.items():
        newest = max(lsns)
        assert (newest if lsns[newest] != "file.remove" else None) == (
            found[file_id].element.lsn if file_id in found else None
        )
    assert set(found) <= set(by_file)


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


async def check(element: Element, told: Told) -> dict[UUID, FileAttributes]:
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
    return found
