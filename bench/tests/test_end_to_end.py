"""One benchmark through real processes, and what the command refuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import main
from tools.fleet.directories import open_directory
from tools.fleet.layout import ROOT


def test_a_quick_look_brings_figures_ratios_and_aims(tmp_path: Path) -> None:
    out = tmp_path / "small.json"
    with open_directory() as data:
        command = ["small-files", "--quick", "--runs", "1", "--out", str(out), "--data", str(data)]
        ran = subprocess.run(
            [sys.executable, "-m", "bench", *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert list(data.iterdir()) == []

    document = json.loads(out.read_text())
    figures = {figure["name"]: figure for figure in document["benchmarks"]["small-files"]["figures"]}
    whole_path = figures["4 KiB up, ArtStore through the ingester"]
    assert document["machine"]["cores"] > 0
    assert all(len(figure["runs"]) == 1 and figure["median"] > 0 for figure in figures.values())
    assert whole_path["ratios"]["4 KiB up, naive two-hop"] > 0
    assert [aim["figure"] for aim in document["aims"]] == [whole_path["name"]]
    assert "4 KiB through the ingester at least 4x the naive two-hop" in ran.stdout


@pytest.mark.parametrize("arguments", [["fly"], ["--runs", "0"], ["--fast"]])
def test_what_it_does_not_know_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: ./fleet bench" in capsys.readouterr().err
