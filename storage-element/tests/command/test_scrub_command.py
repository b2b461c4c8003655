"""`artstore-element scrub`: every content of a stopped element is read again, and what is damaged is contained."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from element_core import open_core
from operator_command import PROGRAM, artstore_element, report, told
from running_element import Element
from stopped_element import LARGE, Stopped

from artstore_kit.testing.documents import document
from storage_element.domain import layout


def test_a_sound_element_is_read_to_its_end(stopped: Stopped) -> None:
    ran = artstore_element("scrub", stopped.root)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.decode() == "2 documents, 1.0 MB read, 0 damaged: read to the end\n"
    status = report(artstore_element("scrub", "--json", "--mib-per-s", "1000", stopped.root))
    assert (status["state"], status["cursor"]["files"], status["damaged"]) == ("idle", 2, [])
    assert status["cursor"]["size_bytes"] == len(LARGE) + 7


def test_what_is_damaged_is_contained_and_told(stopped: Stopped) -> None:
    stopped.flip(stopped.large)
    ran = artstore_element("scrub", "--mib-per-s", "1000", stopped.root)
    assert ran.returncode == 1
    assert f"{stopped.large.file_id}: is damaged; quarantine/ says how" in ran.stderr.decode()
    assert not stopped.element.content_path(stopped.large).exists()
    assert list((stopped.root / layout.QUARANTINE).glob(f"{stopped.large.file_id}.v1*"))
    cat = artstore_element("cat", stopped.root, stopped.large.file_id)
    assert (cat.returncode, cat.stdout) == (1, b"")
    assert artstore_element("cat", stopped.root, stopped.small.file_id).stdout == b"content"


async def test_it_goes_on_where_it_was_cut_off(root: Path) -> None:
    content = bytes(2**20)
    async with open_core(root) as core:
        for number in range(12):
            await core.create(content, document(number=number, content=content))
    before = cut_off(root, after=2)
    assert before["files"] < 12
    status = report(artstore_element("scrub", "--json", "--mib-per-s", "1000", root))
    assert (status["cursor"]["started_at"], status["cursor"]["files"]) == (before["started_at"], 12)


def cut_off(root: Path, after: int) -> dict[str, Any]:
    """Killed when it has noted so many documents, at a pace that lets this be seen; what it has noted then."""
    note = root / layout.note_path("scrub")
    popen = subprocess.Popen([PROGRAM, "scrub", "--mib-per-s", "1", str(root)], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not (note.exists() and json.loads(note.read_bytes())["files"] >= after):
        assert time.monotonic() < until
        time.sleep(0.05)
    popen.kill()
    assert popen.wait(20) == -signal.SIGKILL
    noted: dict[str, Any] = json.loads(note.read_bytes())
    return noted


async def test_a_running_element_is_left_alone(element: Element) -> None:
    assert "another process serves" in told(artstore_element("scrub", element.root), 2)


def test_a_pace_must_be_one(stopped: Stopped) -> None:
    assert "greater than 0" in told(artstore_element("scrub", "--mib-per-s", "0", stopped.root), 2)
