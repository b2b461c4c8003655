"""`./fleet witness` keeps what it saw, and complains when the log does not go on from it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tools.fleet import witness
from tools.fleet.command_line import parse
from tools.tests.signed_log import NAME, SignedLog, served


@pytest.fixture
def log() -> SignedLog:
    return SignedLog([str(number).encode() for number in range(300)])


@pytest.fixture
def url(log: SignedLog) -> Iterator[str]:
    """Where the log is served."""
    with served(log) as url:
        yield url


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "witness" / "kept.jsonl"


def look(url: str, kept: Path, *how: str) -> int:
    options = parse(["witness", str(kept), "--log", url, *(how or ["--once"])])
    code: int = options.run(options)
    return code


def watch(url: str, kept: Path) -> int:
    """The loop, until it ends."""
    return look(url, kept, "--every-s", "0.01")


def sizes_in(kept: Path) -> list[int]:
    """Of the checkpoints that are kept."""
    return [int(json.loads(line)["note"].split("\n")[1]) for line in kept.read_text().splitlines()[1:]]


def grows(log: SignedLog) -> None:
    log.leaves.append(b"another")


def is_down(log: SignedLog) -> None:
    log.checkpoint_status = 503


def is_up(log: SignedLog) -> None:
    log.checkpoint_status = log.proof_status = 200


def refuses_proofs(log: SignedLog) -> None:
    grows(log)
    log.proof_status = 503


def stays(_: SignedLog) -> None:
    """Nothing happens."""


def is_cut(log: SignedLog) -> None:
    del log.leaves[-2:]


def test_what_is_signed_is_kept_once(log: SignedLog, url: str, kept: Path) -> None:
    assert [look(url, kept) for _ in range(2)] == [0, 0]
    log.leaves.append(b"another")
    assert look(url, kept) == 0
    key, *notes = [json.loads(line) for line in kept.read_text().splitlines()]
    assert key["key"].startswith(f"{NAME}+")
    assert [each["note"].split("\n")[1] for each in notes] == ["300", "301"]


@pytest.mark.parametrize("count", [1, 255, 256, 300])
def test_a_log_that_grows_from_any_size_is_consistent(log: SignedLog, url: str, kept: Path, count: int) -> None:
    whole, log.leaves = log.leaves, log.leaves[:count]
    assert look(url, kept) == 0
    log.leaves = whole
    assert look(url, kept) == 0


@pytest.mark.parametrize("added", [0, 7])
def test_a_fork_is_told_loudly(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str], added: int
) -> None:
    look(url, kept)
    before = kept.read_text()
    log.leaves[17] = b"edited, and signed with the real key"
    log.leaves += [b"more"] * added
    assert look(url, kept) == 1
    said = capsys.readouterr().out
    assert f"*** THE AUDIT LOG OF {url} IS NOT WHAT IT WAS" in said
    assert "\nforked: " in said
    assert kept.read_text() == before
    evidence = kept.with_name("kept.jsonl.evidence")
    assert f"Keep {kept} and {evidence}: they are the evidence." in said
    shown = json.loads(evidence.read_text())
    assert shown["wrong"].startswith(f"forked: {300 + added} entries are signed")
    assert shown["note"].startswith(f"{NAME}\n{300 + added}\n")


def test_a_log_that_is_shorter_was_rolled_back(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    look(url, kept)
    del log.leaves[-1]
    assert look(url, kept) == 1
    assert "\nrolled back: the log signs 299 entries; " in capsys.readouterr().out


def test_another_key_is_not_believed(log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    look(url, kept)
    log.key = Ed25519PrivateKey.generate()
    assert look(url, kept) == 1
    assert "\nforged: " in capsys.readouterr().out


def test_a_log_that_cannot_be_asked_is_no_fork(url: str, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    look(url, kept)
    assert look("http://127.0.0.1:1", kept) == 2
    said = capsys.readouterr().out
    assert "http://127.0.0.1:1 cannot be asked: " in said
    assert "***" not in said


@pytest.mark.parametrize(
    ("status", "proof"), [(500, b""), (404, b""), (200, b"<html>"), (200, b'{"hashes": ["AA=="]}')]
)
def test_a_log_that_proves_nothing_is_told_loudly(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str], status: int, proof: bytes
) -> None:
    look(url, kept)
    grows(log)
    log.proof_status, log.proof = status, proof
    assert look(url, kept) == 1
    assert "\nnot proven: 301 entries are signed, and that they begin with the 300 of " in capsys.readouterr().out
    assert sizes_in(kept) == [300]
    (shown,) = kept.with_name("kept.jsonl.evidence").read_text().splitlines()
    assert json.loads(shown)["note"].startswith(f"{NAME}\n301\n")


def test_proofs_that_are_refused_again_and_again_end_the_watch(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Being down between, or showing the old checkpoint again, makes nothing of it forgotten."""

    def goes_back(log: SignedLog) -> None:
        is_up(log)
        is_cut(log)
        log.leaves.append(b"as it was")
        log.proof_status = 503

    log.leaves.append(b"as it was")
    log.happenings = [stays, refuses_proofs, is_down, goes_back, stays, grows]
    assert watch(url, kept) == 1
    said = capsys.readouterr().out
    assert log.proofs_asked == 3
    assert "not proven: 302 entries are signed" in said
    assert "asked for 1 of 3 times" in said
    assert "cannot be asked: HTTP Error 503" in said
    assert sizes_in(kept) == [301]
    assert log.happenings == [grows]


def test_a_proof_that_comes_late_is_a_proof(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What waits for it is kept first, with the moment at which it was seen; then the watch goes on as before."""

    def comes_back(log: SignedLog) -> None:
        is_up(log)
        grows(log)

    log.happenings = [stays, refuses_proofs, stays, comes_back, refuses_proofs, comes_back, is_cut]
    assert watch(url, kept) == 1
    said = capsys.readouterr().out
    assert sizes_in(kept) == [300, 301, 302, 303, 304]
    assert [line.rpartition("; ")[2] for line in said.splitlines() if "not proven" in line] == [
        "asked for 1 of 3 times",
        "asked for 2 of 3 times",
        "asked for 1 of 3 times",
    ]
    assert "\nrolled back: the log signs 302 entries" in said


def test_a_log_that_stands_still_or_cannot_be_asked_goes_on_being_watched(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.happenings = [stays, stays, is_down, stays, stays, stays, is_up, grows, is_cut]
    assert watch(url, kept) == 1
    said = [line.partition(" ")[2].partition(", for ")[0] for line in capsys.readouterr().out.splitlines()[1:9]]
    still = "300 entries still"
    down = f"{url} cannot be asked: HTTP Error 503: Service Unavailable"
    assert said == [
        "300 entries, signed and consistent",
        still,
        *[down] * 4,
        still,
        "301 entries, signed and consistent",
    ]


def test_how_long_the_log_stands_still_is_known_from_the_file(
    url: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    look(url, kept)
    key, line = kept.read_text().splitlines()
    old = datetime.now(UTC) - timedelta(days=3)
    kept.write_text(f"{key}\n{json.dumps({**json.loads(line), 'seen_at': str(old)})}\n")
    assert look(url, kept) == 0
    assert "300 entries still, for 3 days, 0:00:0" in capsys.readouterr().out


def test_answers_that_are_cut_are_none(log: SignedLog, url: str, kept: Path) -> None:
    look(url, kept)
    grows(log)
    log.cut = True
    assert look(url, kept) == 2
    assert sizes_in(kept) == [300]


def test_a_checkpoint_of_nothing_is_none(log: SignedLog, url: str, kept: Path) -> None:
    """A proof from an empty tree would be none, and looking for one would never end."""
    log.leaves.clear()
    assert look(url, kept) == 1


@pytest.mark.parametrize(
    "odd", [b"<html>Please log in</html>", b"", b"a+b+c", b"\xff", b"x" * 99, "another name", "another kind", "no id"]
)
def test_what_is_no_key_is_not_kept_as_the_key(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str], odd: bytes | str
) -> None:
    name, key_id, key = log.verifier_key.split("+", 2)
    told = {
        "another name": f"other+{key_id}+{key}",
        "another kind": f"{name}+{key_id}+Ag{key[2:]}",
        "no id": f"{name}+{key}",
    }
    log.shown_key = odd if isinstance(odd, bytes) else told[odd].encode()
    assert look(url, kept) == 2
    assert "no verifier key: " in capsys.readouterr().out
    assert not kept.exists()
    log.shown_key = None
    assert look(url, kept) == 0


def test_a_page_in_the_place_of_the_key_does_not_end_the_watch(log: SignedLog, url: str, kept: Path) -> None:
    def shows_its_key(log: SignedLog) -> None:
        log.shown_key = None

    log.shown_key, log.happenings_at_key = b"<html>", [stays, shows_its_key]
    log.happenings = [stays, is_cut]
    assert watch(url, kept) == 1
    assert sizes_in(kept) == [300]


@pytest.mark.parametrize("torn", ['{"seen_at": "2026-', "{", "\0\0\0"])
def test_a_line_that_was_torn_is_passed_over_and_said(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str], torn: str
) -> None:
    look(url, kept)
    with kept.open("a") as file:
        file.write(torn)
    assert look(url, kept) == 0
    assert f"{kept}: passed over its last line, which a crash has torn: {torn.encode()!r}" in capsys.readouterr().out
    grows(log)
    assert look(url, kept) == 0
    assert sizes_in(kept) == [300, 301]


def test_a_beginning_that_was_torn_is_none(url: str, kept: Path) -> None:
    kept.parent.mkdir()
    kept.with_name("kept.jsonl.begun").write_text('{"key": "sto')
    assert look(url, kept) == 0
    assert [path.name for path in kept.parent.iterdir()] == ["kept.jsonl"]


def test_a_disk_that_takes_nothing_is_not_what_is_wrong_with_the_log(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no directory").write_text("")
    assert look(url, tmp_path / "no directory" / "kept.jsonl") == 2
    assert capsys.readouterr().err.startswith("witness: ")


def test_an_answer_that_drips_does_not_keep_the_witness_silent(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    look(url, kept)
    monkeypatch.setattr(witness, "ANSWER_WITHIN_S", 0.2)
    log.drips_s = 0.02
    assert look(url, kept) == 2
    assert "cannot be asked: no whole answer within 0.2 s" in capsys.readouterr().out


def test_a_file_that_is_none_is_told(url: str, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept.parent.mkdir()
    for damaged in ("not a witness's file\n", "{}\n", "3\n", ""):
        kept.write_text(damaged)
        assert look(url, kept) == 2
        assert "cannot be read" in capsys.readouterr().err
        assert kept.read_text() == damaged
