"""`hold`, `release`, `rm --approval` and `approval`: what two people do at their terminals."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from artstore_kit.contracts.approvals import Approval
from artstore_kit.contracts.ids import new_file_id
from client.tests.cli.conftest import Artstore
from client.tests.cli.terminal import on_a_terminal
from client.tests.stand_in import Fleet

REASON = "the case is over\u202e"


@pytest.fixture
def file_id(logged_in: Artstore, fleet: Fleet) -> str:
    """Of a document that is retained for long."""
    Path("letter.txt").write_text("evidence")
    logged_in("put", "letter.txt")
    ((known, file),) = fleet.files.items()
    retention = file.retention.model_copy(update={"retain_until": datetime.now(UTC) + timedelta(days=9)})
    fleet.files[known] = file.model_copy(update={"retention": retention})
    return str(known)


def asked(artstore: Artstore, *arguments: str) -> str:
    """The id of an approval that was asked for."""
    done = artstore("approval", "ask", *arguments, "--reason", REASON)
    assert done.exit_code == 0, done.stderr
    return done.stdout.rstrip("\n")


def test_a_hold_comes_and_goes(logged_in: Artstore, fleet: Fleet, file_id: str) -> None:
    held = logged_in("hold", file_id, "case 7", "--reason", "суд")
    assert (held.exit_code, held.stdout) == (0, f"{file_id} held: case 7\n")
    refused = logged_in("release", file_id, "case 7")
    assert refused.exit_code == 1
    assert "[approval_required, request req-1]" in refused.stderr
    assert f"artstore approval ask hold.release 'hold:{file_id}/case 7' --reason WHY" in refused.stderr

    approval = asked(logged_in, "hold.release", f"hold:{file_id}/case 7")
    early = logged_in("release", file_id, "case 7", "--approval", approval)
    assert early.exit_code == 1
    assert "artstore approval show ID" in early.stderr
    assert logged_in("approval", "approve", approval, "--yes").stdout == f"{approval} approved\n"
    released = logged_in("release", file_id, "case 7", "--approval", approval)
    assert (released.exit_code, released.stdout) == (0, f"{file_id} released: case 7\n")
    assert [file.holds for file in fleet.files.values()] == [[]]
    assert "used" in logged_in("approval", "ls").stdout


def test_rm_takes_the_approval_of_one_file(logged_in: Artstore, fleet: Fleet, file_id: str) -> None:
    kept = logged_in("rm", file_id, "--yes")
    assert kept.exit_code == 1
    assert "artstore approval ask --help" in kept.stderr
    approval = asked(logged_in, "file.destroy", f"file:{file_id}")
    logged_in("approval", "approve", approval, "--yes")
    assert logged_in("rm", file_id, str(new_file_id()), "--yes", "--approval", approval).exit_code == 2
    assert fleet.files
    assert logged_in("rm", file_id, "--yes", "--approval", approval).exit_code == 0
    assert not fleet.files


def test_an_approval_is_looked_at_before_it_is_given(logged_in: Artstore, fleet: Fleet) -> None:
    approval = asked(logged_in, "element.remove", "element:edit-1")
    assert logged_in("approval", "approve", approval).exit_code == 2
    code, shown = on_a_terminal("approval", "approve", approval, dialogue=[("[y/N]", "n")])
    assert code == 1
    assert "element.remove" in shown
    assert "Nothing was decided." in shown
    assert "the case is over\\u202e" in shown
    assert logged_in("approval", "show", approval, "--json").exit_code == 0
    code, shown = on_a_terminal("approval", "approve", approval, "--comment", "ja", dialogue=[("[y/N]", "y")])
    assert code == 0
    (given,) = fleet.approvals.values()
    assert (given.state, given.comment) == ("approved", "ja")


def test_they_are_refused_and_taken_back(logged_in: Artstore) -> None:
    no, back = [asked(logged_in, "element.remove", "element:edit-1") for _ in range(2)]
    assert logged_in("approval", "reject", no, "--comment", "not yet").stdout == f"{no} rejected\n"
    assert logged_in("approval", "withdraw", back).stdout == f"{back} withdrawn\n"
    again = logged_in("approval", "reject", back)
    assert again.exit_code == 1
    assert "approval_closed" in again.stderr
    shown = logged_in("approval", "show", no).stdout
    for fact in ("rejected", "element:edit-1", "second: not yet", "the case is over\\u202e"):
        assert fact in shown


def test_programs_get_fields_and_documents(logged_in: Artstore, fleet: Fleet) -> None:
    ids = [asked(logged_in, "element.remove", "element:edit-1") for _ in range(3)]
    listed = logged_in("approval", "ls", "--state", "pending", "--limit", 2).stdout.splitlines()
    fields = ("pending", "element.remove", "element:edit-1", "admin", "the case is over\\u202e")
    assert listed == ["\t".join((approval, *fields)) for approval in ids[:0:-1]]
    known = [json.loads(line) for line in logged_in("approval", "ls", "--json").stdout.splitlines()]
    assert [Approval.model_validate(each) for each in known] == list(reversed(fleet.approvals.values()))
    one = json.loads(logged_in("approval", "show", ids[0], "--json").stdout)
    assert one == known[-1]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("hold", "x", "case-7"), 1, "a file id is a UUIDv7"),
        (("release", str(new_file_id()), "..", "--approval", str(new_file_id())), 1, "name of the hold"),
        (("release", str(new_file_id()), "case-7"), 1, "file_unknown"),
        (("release", str(new_file_id()), "case-7", "--approval", "yes"), 1, "not a file id"),
        (("approval", "show", str(new_file_id())), 1, "artstore approval ls"),
        (("approval", "ask", "file.burn", "file:1", "--reason", "x"), 2, "file.burn"),
        (("approval", "ask", "file.destroy", "element:1", "--reason", "x"), 1, "begins with 'file:'"),
        (("approval", "ask", "file.destroy", "file:1"), 2, "reason"),
    ],
)
def test_what_is_wrong_is_told(logged_in: Artstore, arguments: tuple[str, ...], code: int, told: str) -> None:
    done = logged_in(*arguments)
    assert (done.exit_code, told in done.stderr) == (code, True), done.stderr
