"""The element as a process: its settings, its start, its end."""

import asyncio
import json
import os
import signal
from pathlib import Path

import httpx
import pytest
from process import Process, environment, started
from running_element import Element, ElementAt, SettingsAt

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.settings import WrongSettings, load
from artstore_kit.start import StartRefused
from artstore_kit.testing.application import open_client
from storage_element.__main__ import example
from storage_element.config import Settings
from storage_element.domain import layout
from storage_element.main import create_app

OPENAPI = Path(__file__).parent.parent / "openapi.json"
CONTENT = os.urandom(200_000)


def test_the_openapi_document_is_current() -> None:
    """Made by `python -m storage_element openapi`."""
    assert json.loads(OPENAPI.read_text()) == create_app(example()).openapi()


def test_wrong_settings_are_named(settings_at: SettingsAt, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(settings_at(root), 8010).items():
        monkeypatch.setenv(name, value)
    assert load(Settings).element.root == root
    monkeypatch.setenv("ARTSTORE_ELEMENT__ID", "Edit 1")
    monkeypatch.setenv("ARTSTORE_ELEMENT__MODE", "rx")
    monkeypatch.delenv("ARTSTORE_ADMIN__URL")
    with pytest.raises(WrongSettings) as wrong:
        load(Settings)
    for named in ("ARTSTORE_ELEMENT__ID: ", "ARTSTORE_ELEMENT__MODE: ", "ARTSTORE_ADMIN: Field required"):
        assert named in str(wrong.value)
    monkeypatch.setenv("ARTSTORE_ELEMENT__COLOUR", "red")
    with pytest.raises(WrongSettings, match="ARTSTORE_ELEMENT__COLOUR: no such setting"):
        load(Settings)


async def test_a_second_process_is_refused(element: Element, settings_at: SettingsAt, tmp_path: Path) -> None:
    superblock = (element.root / layout.SUPERBLOCK).read_bytes()
    spool = {"ARTSTORE_AUDIT__SPOOL_DIR": str(tmp_path / "spool")}
    async with started(settings_at(element.root), tmp_path / "log", spool) as second:
        assert await second.ended() != 0
        log = second.log.read_text()
    assert f"another process serves the element at {element.root}" in log
    assert "Traceback" not in log
    assert (await element.send()).status_code == 201
    assert (element.root / layout.SUPERBLOCK).read_bytes() == superblock


async def test_a_start_that_is_refused_is_told_by_its_reason(
    element_at: ElementAt, settings_at: SettingsAt, root: Path
) -> None:
    async with element_at(root):
        pass
    (root / layout.SUPERBLOCK).write_text("{}")
    app = create_app(settings_at(root))
    with pytest.raises(StartRefused):
        async with open_client(app):
            pass
    assert str(root / layout.SUPERBLOCK) in app.refusal
    assert (root / layout.SUPERBLOCK).read_text() == "{}"


async def upload(process: Process, path: str, bearer: dict[str, str]) -> None:
    """Store a file, and leave a reader of the feed waiting while the process is told to stop or killed."""
    await process.ready()
    async with httpx.AsyncClient(base_url=process.url, headers=bearer, trust_env=False, timeout=60) as http:
        answer = await http.put(path, content=CONTENT, headers={ATTRIBUTES_HEADER: '{"name": "x"}'})
        assert answer.status_code == 201


async def test_a_clean_stop_leaves_nothing_to_replay_and_a_kill_is_made_good(
    element_at: ElementAt, settings_at: SettingsAt, root: Path, tmp_path: Path, bearer: dict[str, str]
) -> None:
    paths = [f"/api/v1/files/{new_file_id()}" for _ in range(2)]
    async with started(settings_at(root), tmp_path / "log") as process:
        await upload(process, paths[0], bearer)
        async with httpx.AsyncClient(base_url=process.url, headers=bearer, trust_env=False, timeout=60) as http:
            waiting = asyncio.create_task(http.get("/api/v1/changes?after=1&wait_s=50"))
            await asyncio.sleep(0.3)
            process.popen.terminate()
            assert (await waiting).json()["items"] == []
        assert await process.ended() in {0, -signal.SIGTERM}
    assert json.loads((root / layout.SUPERBLOCK).read_text())["checkpoint_lsn"] == 1
    async with started(settings_at(root), tmp_path / "log") as process:
        await upload(process, paths[1], bearer)
        process.popen.kill()
        await process.ended()
    async with element_at(root) as element:
        for path in paths:
            assert (await element.http.get(f"{path}/content")).content == CONTENT
        assert (await element.http.get("/api/v1/element")).json()["epoch"] == 3
