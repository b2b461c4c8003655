"""What is measured with: peaks of memory, the machine's limits, the synthetic documents, the report."""

import json
import subprocess
import sys
from io import StringIO
from itertools import count
from pathlib import Path

import pytest
from rich.console import Console

from artstore_kit.contracts.files import ATTRIBUTES_LIMIT_BYTES
from bench import limits, machine, peaks, report
from bench.bodies import Body
from bench.documents import Corpus
from bench.figures import Aim, Figure, Result, Role
from bench.plan import MIB, plan_of
from bench.questions import searches
from bench.quiet import settle

TAKES_AND_GIVES_BACK = """
import sys
print(flush=True); sys.stdin.readline()
taken = bytearray(b"x") * (100 * 2**20); del taken
print(flush=True); sys.stdin.readline()
"""


def test_a_peak_is_seen_after_the_memory_was_given_back() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TAKES_AND_GIVES_BACK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        before = peaks.reset(process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        grown = peaks.peak(process.pid) - before
        again = peaks.reset(process.pid)
        process.communicate(b"\n")
    assert 95 < grown < 110  # the kernel counts in batches of pages
    assert again < before + 10


def test_a_process_that_has_ended_has_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert (peaks.reset(process.pid), peaks.peak(process.pid)) == (0, 0)


@pytest.mark.parametrize("size_bytes", [0, 10, 4096, 3 * MIB + 1])
def test_a_body_has_its_size_and_is_like_no_other(size_bytes: int) -> None:
    body, other = Body.fresh(size_bytes), Body.fresh(size_bytes)
    assert sum(len(piece) for piece in body.pieces()) == size_bytes
    assert (body.sha256() == other.sha256()) is (size_bytes == 0)


def test_it_waits_until_nothing_works_any_more() -> None:
    used_s = iter([1.0, 1.2, 1.4, 1.401, 9.0])
    assert settle(lambda: next(used_s), within_s=10)
    assert next(used_s) == 9.0


def test_it_does_not_wait_for_ever() -> None:
    used_s = count(step=1.0)
    assert not settle(lambda: next(used_s), within_s=0.3)
    assert not settle(lambda: next(used_s), within_s=0)


def test_limits_are_measured(tmp_path: Path) -> None:
    assert limits.fsynced_files_per_s(tmp_path, 4096, 0.05) > 0
    assert limits.appends_per_s(tmp_path, 4096, 0.05) > 0
    assert limits.sha256_mb_per_s(8 * MIB) > 0
    assert limits.write_mb_per_s(tmp_path, 8 * MIB) > 0


def test_documents_are_always_the_same_and_within_bounds() -> None:
    documents = list(Corpus(300).documents("synthetic"))
    again = list(Corpus(300).documents("synthetic"))
    assert [file.description for file in documents] == [file.description for file in again]
    assert max(len(file.to_json()) for file in documents) <= ATTRIBUTES_LIMIT_BYTES
    assert [file.element.lsn for file in documents] == list(range(1, 301))


def test_words_have_the_frequency_that_their_name_says() -> None:
    corpus = Corpus(1000)
    texts = [f" {file.content.name} {file.description} " for file in corpus.documents("synthetic")]
    holding = {word: sum(f" {word}" in text for text in texts) for word in (*corpus.frequent(), *corpus.common())}
    assert 100 < min(holding[word] for word in corpus.frequent()) < 300
    assert 5 < sum(holding[word] for word in corpus.common()) / len(corpus.common()) < 30


def test_questions_are_as_many_as_wanted() -> None:
    asked = searches(Corpus(10), 50)
    assert {len(paths) for paths in asked.values()} == {50}
    assert all(len(set(paths)) >= 20 for paths in asked.values())


def test_the_report_tells_what_failed_and_what_was_missed(tmp_path: Path) -> None:
    plan = plan_of(quick=True, runs=1)
    facts = machine.facts(tmp_path)
    figure = Figure("4 KiB up, ArtStore", Role.ARTSTORE, "files/s", [1234.5], {"4 KiB up, naive": 2.0})
    aim = Aim("at least 4x naive", figure.name, against="4 KiB up, naive", at_least=4)
    results = [Result("small-files", [figure], [aim]), Result("memory", failure="no [peaks] here")]
    console = Console(width=120, file=StringIO())

    report.show(console, plan, facts, results)
    report.write(tmp_path / "out.json", plan, facts, results)

    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert [part for part in ("1,234", "2.00 x naive", "miss  at least 4x naive: 2.00") if part not in shown] == []
    assert "memory failed: no [peaks] here" in shown
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["benchmarks"]["small-files"]["figures"][0]["runs"] == [1234.5]
    assert written["aims"][0]["met"] is False
