"""tools/verify_audit.py takes nothing for good that is forged, odd, cut or missing (of real logs: admin-module)."""

import base64
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from admin_module.domain.merkle import leaf_hash
from tools import verify_audit
from tools.tests.signed_log import NAME, SignedLog, served

MANY = b'{"index":50,"entry":{"action":"audit.expire","detail":{"entries_so_far":"many"}}}'
type Said = tuple[int, str]
ENTRY = {"action": "file.read"}
GOOD = "0 of 100 places are gone; 0 leaves are signed by nobody yet\n100 witnessed entries are what they were\n"


def leaf(place: int, **more: Any) -> bytes:
    told = {"index": place, "entry": ENTRY, "recorded_at": "2026-01-01T00:00:00Z", **more}
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def gone(index: int, leaf: bytes) -> bytes:
    """What stands in the place of a leaf that was let go."""
    told = base64.b64encode(leaf_hash(leaf)).decode()
    return f'{{"hash":"{told}","index":{index}}}'.encode()


def expiry(place: int, so_far: int) -> bytes:
    """The log tells that so many entries were let go."""
    return leaf(place, entry={"action": "audit.expire", "detail": {"entries_so_far": so_far}})


@pytest.fixture
def log() -> SignedLog:
    return SignedLog([leaf(number) for number in range(100)])


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """The tool with these options: its exit code, and what it says."""

    def run(**options: object) -> Said:
        given = [each for name, value in options.items() for each in (f"--{name.replace('_', '-')}", str(value))]
        monkeypatch.setattr(sys, "argv", ["verify_audit.py", *given])
        try:
            code = verify_audit.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


class Outsider:
    """Who has a witness's file, and what somebody exported."""

    def __init__(self, log: SignedLog, directory: Path, run: Callable[..., Said]) -> None:
        self.log, self.run = log, run
        self.witness, self.leaves, self.token = (directory / name for name in ("kept", "leaves", "token"))
        self.key = log.verifier_key
        self.notes = [(log.note(), timedelta())]

    def write_witness(self) -> None:
        now = datetime.now(UTC)
        kept = [{"note": note, "seen_at": str(now - ago)} for note, ago in self.notes]
        self.witness.write_text("".join(json.dumps(each) + "\n" for each in [{"key": self.key}, *kept]))

    def checks(self, leaves: bytes | None = None) -> Said:
        self.write_witness()
        whole = b"".join(each + b"\n" for each in self.log.leaves)
        self.leaves.write_bytes(whole if leaves is None else leaves)
        return self.run(witness=self.witness, leaves=self.leaves)

    def asks(self, url: str) -> Said:
        self.write_witness()
        return self.run(witness=self.witness, log=url, token_file=self.token)


@pytest.fixture
def outsider(log: SignedLog, tmp_path: Path, run: Callable[..., Said]) -> Outsider:
    outsider = Outsider(log, tmp_path, run)
    outsider.token.write_text("first\n")
    return outsider


def test_checkpoints_in_any_order_and_twice_are_the_same_evidence(log: SignedLog, outsider: Outsider) -> None:
    outsider.notes = [(log.note(size), timedelta(days=size)) for size in (100, 3, 64, 64, 1)]
    assert outsider.checks() == (0, GOOD)
    log.leaves[2] = leaf(2, edited=True)
    code, said = outsider.checks()
    assert code == 1
    assert "\nedited: from entry 1 to 2 the log is not what was witnessed at " in said


def test_one_size_with_two_roots_is_a_fork(log: SignedLog, outsider: Outsider) -> None:
    log.leaves[2] = leaf(2, edited=True)
    outsider.notes.append((log.note(), timedelta()))
    code, said = outsider.checks()
    assert code == 1
    assert "the log is not what was witnessed at " in said


@pytest.mark.parametrize("size", ["0", "-1", "+100", "0100", "100.0", "1_00", "١٠٠", ""])
def test_a_size_that_is_none_is_not_believed(log: SignedLog, outsider: Outsider, size: str) -> None:
    root = log.note().split("\n")[2]
    outsider.notes.append((log.note(text=f"{NAME}\n{size}\n{root}\n"), timedelta()))
    code, said = outsider.checks()
    assert (code, said.split(":")[0]) == (1, "forged")


@pytest.mark.parametrize(
    "root", ["", "AA==", "A" * 43, base64.b64encode(bytes(33)).decode(), " " + base64.b64encode(bytes(32)).decode()]
)
def test_a_root_that_is_none_is_not_believed(log: SignedLog, outsider: Outsider, root: str) -> None:
    outsider.notes.append((log.note(text=f"{NAME}\n100\n{root}\n"), timedelta()))
    code, said = outsider.checks()
    assert (code, said.split(":")[0]) == (1, "forged")


def test_a_checkpoint_of_another_log_is_not_believed_though_the_key_is_the_same(
    log: SignedLog, outsider: Outsider
) -> None:
    outsider.notes.append((log.note(text=log.note().rpartition("\n\n")[0].replace(NAME, "other") + "\n"), timedelta()))
    code, said = outsider.checks()
    assert (code, said.split(":")[0]) == (1, "forged")


def test_another_key_in_the_witness_file_than_that_of_the_log(log: SignedLog, outsider: Outsider) -> None:
    outsider.key = SignedLog([]).verifier_key
    code, said = outsider.checks()
    assert (code, said.split(":")[0]) == (1, "forged")


def test_another_key_of_the_log_than_in_the_witness_file(log: SignedLog, outsider: Outsider) -> None:
    log.key = Ed25519PrivateKey.generate()
    with served(log) as url:
        code, said = outsider.asks(url)
    assert (code, said.split(":")[0]) == (1, "forged")


def test_a_leaf_with_another_index_is_found_though_it_is_what_was_signed(log: SignedLog, outsider: Outsider) -> None:
    log.leaves[50] = leaf(51)
    outsider.notes = [(log.note(), timedelta())]
    code, said = outsider.checks()
    assert code == 1
    assert "\ndeleted: at place 50 stands the entry that belongs to 51\n" in said


@pytest.mark.parametrize("more", [b" ", b"\r", b"\n\n", b"null"])
def test_a_line_with_something_behind_it(log: SignedLog, outsider: Outsider, more: bytes) -> None:
    log.leaves[50] += more
    code, said = outsider.checks()
    assert code == 1
    assert "\nedited: from entry 0 to 99 the log is not what was witnessed at " in said


def test_lines_behind_the_end_are_no_leaves(log: SignedLog, outsider: Outsider) -> None:
    log.leaves.append(b"")
    code, said = outsider.checks()
    assert code == 1
    assert "\nedited: 1 lines, from 100 on, are no leaves of an audit log\n" in said


def test_a_hash_in_the_place_of_a_young_entry(log: SignedLog, outsider: Outsider) -> None:
    """With an expiry among the leaves, which excuses what is gone."""
    log.leaves.append(expiry(100, 9))
    outsider.notes = [(log.note(50), timedelta(days=2555)), (log.note(), timedelta())]
    log.leaves[49] = gone(49, leaf(49))
    assert outsider.checks()[0] == 0
    log.leaves[50] = gone(50, leaf(50))
    code, said = outsider.checks()
    assert code == 1
    assert said.startswith(
        "2 of 101 places are gone; 0 leaves are signed by nobody yet\n  entry 100 says that 9 were let go until "
    )
    assert said.count("\ndeleted: entry 50 is gone too early: it came after ") == 1
    outsider.notes[0] = (outsider.notes[0][0], timedelta(days=2556, hours=1))  # clocks may differ by a day
    assert outsider.checks()[0] == 0


def test_an_expiry_that_nobody_has_signed_excuses_nothing(log: SignedLog, outsider: Outsider) -> None:
    """Anybody who has the export can write one behind its end, without database and key."""
    outsider.notes = [(log.note(50), timedelta(days=30)), (log.note(), timedelta())]
    log.leaves.append(expiry(100, 1))
    own = outsider.witness.with_name("own")
    own.write_text(log.note())
    log.leaves[7] = gone(7, leaf(7))
    code, said = outsider.checks()
    assert code == 1
    assert said.startswith(
        "1 of 101 places are gone; 1 leaves are signed by nobody yet\n  entry 100 says unsigned that 1 "
    )
    assert "\ndeleted: 1 entries are gone, from 7 on, and 0 were let go\n" in said
    assert outsider.run(witness=outsider.witness, leaves=outsider.leaves, checkpoint=own)[0] == 0


def test_what_is_let_go_and_told_while_the_log_is_read_is_no_deletion(
    log: SignedLog, outsider: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_audit, "PART", 40)
    asked = verify_audit.ask

    def expires_after_the_first_part(url: str, token: str = "") -> bytes:
        answer = asked(url, token)
        if "start=0" in url:
            log.leaves.append(expiry(100, 1))
            log.let_go = {70: gone(70, leaf(70))}
        return answer

    monkeypatch.setattr(verify_audit, "ask", expires_after_the_first_part)
    outsider.notes[0] = (outsider.notes[0][0], timedelta(days=9999))
    with served(log) as url:
        code, said = outsider.asks(url)
    assert code == 0, said
    assert said.startswith(
        "1 of 101 places are gone; 0 leaves are signed by nobody yet\n  entry 100 says that 1 were let"
    )


def test_what_is_written_behind_the_signed_end_of_a_served_log_excuses_nothing(
    log: SignedLog, outsider: Outsider
) -> None:
    outsider.notes[0] = (outsider.notes[0][0], timedelta(days=9999))
    log.signed = 100
    log.leaves.append(expiry(100, 1))
    log.let_go = {70: gone(70, leaf(70))}
    with served(log) as url:
        code, said = outsider.asks(url)
    assert code == 1
    assert "\ndeleted: 1 entries are gone, from 70 on, and 0 were let go\n" in said


def test_a_log_that_signs_less_while_it_is_read_was_rolled_back(log: SignedLog, outsider: Outsider) -> None:
    log.leaves.append(leaf(100))
    log.happenings = [lambda _: None, lambda log: setattr(log, "signed", 100)]
    with served(log) as url:
        code, said = outsider.asks(url)
    assert code == 1
    assert "\nrolled back: the log signs 100 entries; " in said


@pytest.mark.parametrize("told", [leaf_hash(b"another"), bytes(31), b""])
def test_a_hash_that_lies(log: SignedLog, outsider: Outsider, told: bytes) -> None:
    encoded = base64.b64encode(told).decode()
    log.leaves[7] = json.dumps({"index": 7, "hash": encoded}).encode()
    outsider.notes = [(outsider.notes[0][0], timedelta(days=9999))]
    code, said = outsider.checks()
    assert code == 1
    assert "\nedited: from entry 0 to 99 the log is not what was witnessed at " in said


def test_two_hashes_that_divide_a_node_elsewhere_are_none(log: SignedLog, outsider: Outsider) -> None:
    pair = leaf_hash(log.leaves[6]) + leaf_hash(log.leaves[7])
    for index, told in ((6, pair[:31]), (7, pair[31:])):
        log.leaves[index] = json.dumps({"index": index, "hash": base64.b64encode(told).decode()}).encode()
    code, said = outsider.checks()
    assert code == 1
    assert "\nedited: 2 lines, from 6 on, are no leaves of an audit log\n" in said


@pytest.mark.parametrize("odd", [b"[" * 100_000, b"[]", b"7", b'{"index":50}', b'{"index":50,"hash":7}', b"\xff", MANY])
def test_odd_lines_are_told_and_nothing_breaks(log: SignedLog, outsider: Outsider, odd: bytes) -> None:
    log.leaves[50] = odd
    code, said = outsider.checks()
    assert code == 1
    assert "\nedited: 1 lines, from 50 on, are no leaves of an audit log\n" in said


def test_what_a_leaf_says_cannot_paint_over_a_complaint(log: SignedLog, outsider: Outsider) -> None:
    log.leaves[98] = leaf(98, index="\x1b[2J")
    told = {"action": "audit.expire", "detail": {"entries_so_far": 1}}
    log.leaves[99] = leaf(99, entry=told, recorded_at="\x1b[2J")
    code, said = outsider.checks()
    assert (code, "\x1b" in said) == (1, False)


@pytest.mark.parametrize("damaged", ["", "{}\n{}\n", "[]\n", '{"key": 7}\n', '{"key": "a+b+c"}\n{"seen_at": 7}\n'])
def test_a_witness_file_that_is_none_is_not_called_good(log: SignedLog, outsider: Outsider, damaged: str) -> None:
    outsider.leaves.write_bytes(b"")
    outsider.witness.write_text(damaged)
    code, said = outsider.run(witness=outsider.witness, leaves=outsider.leaves)
    assert code == 2
    assert said.startswith("verify_audit: cannot check: ")


def test_a_checkpoint_with_nothing_in_it_is_none(log: SignedLog, outsider: Outsider, tmp_path: Path) -> None:
    """Entries behind the last that was witnessed have nothing else to hold them."""
    outsider.checks()
    (tmp_path / "empty").write_text("")
    code, said = outsider.run(witness=outsider.witness, leaves=outsider.leaves, checkpoint=tmp_path / "empty")
    assert (code, said.split(":")[0]) == (1, "forged")


def test_a_log_is_read_in_parts_each_with_the_token_of_its_time(
    log: SignedLog, outsider: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_audit, "PART", 40)
    log.tokens = ["first", "second", "second"]
    asked = verify_audit.ask

    def renewed_after_the_first_part(url: str, token: str = "") -> bytes:
        answer = asked(url, token)
        if "start=0" in url:
            outsider.token.write_text("second")
        return answer

    monkeypatch.setattr(verify_audit, "ask", renewed_after_the_first_part)
    with served(log) as url:
        assert outsider.asks(url + "/") == (0, GOOD)
    assert log.tokens == []


def test_a_token_whose_time_is_over_is_told_with_what_to_do(
    log: SignedLog, outsider: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_audit, "PART", 40)
    log.tokens = ["first", "second"]
    with served(log) as url:
        code, said = outsider.asks(url)
    assert code == 2
    assert said.endswith(f"<HTTPError 401: 'Unauthorized'>: write a fresh token into {outsider.token}\n")


def test_an_answer_that_was_cut_is_not_what_is_wrong_with_the_log(log: SignedLog, outsider: Outsider) -> None:
    log.cut = True
    with served(log) as url:
        code, said = outsider.asks(url)
    assert code == 2
    assert "IncompleteRead" in said
