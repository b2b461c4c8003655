"""The element's benchmark: through real processes, and what it stands on."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench import endurance, journal_loop, report
from bench.element import NO_NGINX, _transfer_aims, _written_bytes
from bench.figures import Result, Role
from bench.plan import plan_of
from bench.room import NoRoom, must_have
from bench.rounds import Contestant, interleaved
from tools.fleet.directories import open_directory
from tools.fleet.layout import ROOT


def test_a_quick_look_at_one_element_with_its_curve(tmp_path: Path) -> None:
    out = tmp_path / "element.json"
    with open_directory() as data:
        command = ["element", "--quick", "--curve", "--runs", "1", "--out", str(out), "--data", str(data)]
        ran = subprocess.run(
            [sys.executable, "-m", "bench", *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    document = json.loads(out.read_text())
    figures = {figure["name"]: figure for figure in document["benchmarks"]["element"]["figures"]}
    ours = figures["4 KiB with 32 in flight, ArtStore"]
    assert set(ours["ratios"]) == {
        f"4 KiB with 32 in flight, {name}"
        for name in ("naive element", "journal loop", "bare ASGI", "bare FastAPI route")
    }
    assert figures["4 KiB with 32 in flight, ArtStore, processor time a file"]["unit"] == "ms"
    assert figures["with 1 000 files or more, ArtStore"]["ratios"]["with 1 000 files or more, rw-1 with few"] > 0
    assert "1024 of 1000 files are there; the rest takes about 0 min" in ran.stderr
    assert figures["index made anew from the files"]["median"] > 0
    judged = {aim["figure"] for aim in document["aims"]}
    assert {figure for figure in judged if figure not in figures} == set()
    assert {"128 MiB up, ArtStore", "1 000 creates of 4 KiB with 32 in flight, growth of the memory"} <= judged


def test_the_journal_loop_leaves_its_files_in_place(tmp_path: Path) -> None:
    assert journal_loop.files_per_s(tmp_path, 1000, 8, 0.05) > 0

    (directory,) = tmp_path.iterdir()
    contents = list(directory.glob("*.v1"))
    assert len(contents) % 8 == 0
    assert {path.stat().st_size for path in contents} == {1000}
    assert len(list(directory.glob("*.attr.json"))) == len(contents)
    assert list(directory.glob("*.new")) == []


def test_the_journal_loop_writes_its_segment_round_and_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_loop, "SEGMENT_BYTES", 8192)
    journal_loop.files_per_s(tmp_path, 1000, 4, 0.05)

    assert next(tmp_path.rglob("segment.wal")).stat().st_size == 8192


def test_values_have_units_of_their_own_and_are_compared_where_both_have_them() -> None:
    peer = Contestant("peer", Role.PEER, "files/s", lambda: 10.0)
    measured = {"": 20.0, "processor time": 3.0}
    ours = Contestant("ours", Role.ARTSTORE, "files/s", lambda: measured, ["peer"], {"processor time": "ms"})

    figures = interleaved([peer, ours], 1, lambda: None, lambda _: None)

    assert [(figure.name, figure.unit) for figure in figures[1:]] == [
        ("ours", "files/s"),
        ("ours, processor time", "ms"),
    ]
    assert [figure.ratios for figure in figures[1:]] == [{"peer": 2}, {}]


def test_without_nginx_its_aims_are_not_judged_and_that_is_told() -> None:
    plan = plan_of(quick=True, runs=1)
    aims = list(_transfer_aims(plan, nginx=False))
    console = Console(width=200, file=StringIO())

    report.show(
        console,
        plan,
        {"cores": 2, "cpu": "", "file_system": "", "python": ""},
        [Result("element", aims=aims, notes=[NO_NGINX])],
    )

    assert [aim.figure for aim in aims] == ["128 MiB up, ArtStore"]
    assert "element: nginx is not installed" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_curve_is_measured_only_when_it_is_asked_for() -> None:
    assert plan_of(quick=False, runs=1).curve == ()
    assert plan_of(quick=False, runs=1, curve=True).curve[-1] == 1_000_000


def test_flat_memory_is_an_aim_over_a_hundred_thousand_creates() -> None:
    texts = [aim.text for aim in endurance.aims(plan_of(quick=False, runs=1))]
    assert texts[0].startswith("100 000 creates of 4 KiB with 32 in flight make the memory grow by at most 16 MiB")


def test_a_disk_that_would_fill_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    plan = plan_of(quick=False, runs=5)
    must_have(tmp_path, "element", plan, -(2**40))
    with pytest.raises(NoRoom, match=r"element with 5 runs needs \d+ MiB on the disk of .*fewer --runs"):
        must_have(tmp_path, "element", plan, 2**60)


@pytest.mark.parametrize(("runs", "curve", "gib"), [(1, False, (17, 22)), (5, False, (85, 105)), (1, True, (30, 40))])
def test_what_the_element_writes_is_known_before(runs: int, curve: bool, gib: tuple[int, int]) -> None:
    assert gib[0] <= _written_bytes(plan_of(quick=False, runs=runs, curve=curve)) / 2**30 <= gib[1]
