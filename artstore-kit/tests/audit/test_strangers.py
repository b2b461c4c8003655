"""Whoever is refused as often as they can leaves few entries, and all that they did is in them."""

import json
from collections.abc import AsyncIterator, Callable

import pytest

from artstore_kit.audit import strangers
from artstore_kit.audit.declared import Audited
from artstore_kit.audit.noting import Noting
from artstore_kit.audit.outgoing import Outgoing
from artstore_kit.audit.spool import Spool
from artstore_kit.audit.strangers import ALONE, KINDS, NAMED, TOGETHER, Counted, Strangers, Turn
from artstore_kit.contracts.audit import DETAIL_LIMIT_BYTES, AuditEntry, AuditOutcome
from artstore_kit.noted import begin
from artstore_kit.tally import Tally
from artstore_kit.testing.patience import eventually

type Ask = Callable[..., None]
type Entries = Callable[[], list[AuditEntry]]

ROUTE = "GET /api/v1/files/{file_id}"


@pytest.fixture
def spool(open_spool: Callable[..., Spool]) -> Spool:
    return open_spool(limit_bytes=2**24)


@pytest.fixture
def entries(spool: Spool) -> Entries:
    return lambda: [AuditEntry.model_validate_json(line) for line in Outgoing(spool).piece(spool.extents()).lines]


@pytest.fixture
async def noting(spool: Spool) -> AsyncIterator[Noting]:
    noting = Noting(spool, {ROUTE: Audited("file.read", "file:{file_id}")})
    yield noting
    noting.close()


@pytest.fixture
def ask(noting: Noting) -> Ask:
    def ask(count: int = 1, address: str = "192.0.2.1", actor: str = "", status: int = 401, file_id: str = "1") -> None:
        for _ in range(count):
            scope = {"method": "GET", "path": "/", "client": (address, 1), "path_params": {"file_id": file_id}}
            begin(scope).actor = actor
            tally = Tally(scope, None, None, "request", 1)  # type: ignore[arg-type]
            tally.route, tally.status = "/api/v1/files/{file_id}", status
            tally.code = "not_authenticated" if status == 401 else ""
            noting.note(tally)

    return ask


async def test_few_refusals_are_told_one_by_one(ask: Ask, entries: Entries, noting: Noting) -> None:
    ask(ALONE - 1)
    noting.close()
    assert len(entries()) == ALONE - 1
    assert {told.code for told in entries()} == {"not_authenticated"}


async def test_of_many_the_rest_is_one_entry_with_their_number(ask: Ask, entries: Entries, noting: Noting) -> None:
    ask(ALONE)
    for file_id in ("1", "2", "2"):
        ask(file_id=file_id)
    assert len(entries()) == ALONE
    assert [told.detail for told in entries()[-2:]] == [{}, {"more_are_counted": True}]
    noting.close()
    summary = entries()[-1]
    assert (summary.action, summary.outcome) == ("request.refuse", AuditOutcome.REFUSED)
    assert (summary.address, summary.actor, summary.service) == ("192.0.2.1", "", "query-module")
    first, last = summary.detail.pop("first_ms"), summary.detail.pop("last_ms")
    assert 0 <= int(str(last)) - int(str(first)) < 60_000
    assert summary.detail == {
        "refusals": 3,
        "actions": {"file.read not_authenticated": 3},
        "resources": {"file:1": 1, "file:2": 2},
    }


async def test_whoever_proves_who_they_are_is_always_told(ask: Ask, entries: Entries) -> None:
    ask(ALONE + 20)
    ask(5, actor="alice")
    ask(5, actor="alice", status=200)
    ask(5, actor="alice", status=403)
    assert [told.actor for told in entries()][ALONE:] == ["alice"] * 15


async def test_who_goes_away_before_an_answer_counts_like_who_is_refused(ask: Ask, entries: Entries) -> None:
    ask(ALONE + 20, status=499)
    assert len(entries()) == ALONE


async def test_one_stranger_does_not_silence_another(ask: Ask, entries: Entries) -> None:
    ask(ALONE + 20)
    ask(2, address="192.0.2.2")
    assert [told.address for told in entries()][ALONE:] == ["192.0.2.2"] * 2


async def test_an_ipv6_network_is_one_stranger(ask: Ask, entries: Entries, noting: Noting) -> None:
    for number in range(ALONE + 3):
        ask(address=f"2001:db8:1:2::{number:x}")
    noting.close()
    assert len(entries()) == ALONE + 1
    assert (entries()[-1].address, entries()[-1].detail["refusals"]) == ("2001:db8:1:2::", 3)


async def test_many_strangers_together_have_a_limit_too(ask: Ask, entries: Entries, noting: Noting) -> None:
    for number in range(TOGETHER + 3 * NAMED):
        ask(address=f"10.0.{number // 256}.{number % 256}")
    assert len(entries()) == TOGETHER
    noting.close()
    told = entries()[TOGETHER:]
    assert len(told) == NAMED + 1
    assert sum(int(str(each.detail["refusals"])) for each in told) == 3 * NAMED
    assert [(each.address, each.detail["refusals"]) for each in told][-1] == ("", 2 * NAMED)


async def test_what_they_ask_for_does_not_make_the_entry_long(ask: Ask, entries: Entries, noting: Noting) -> None:
    ask(ALONE)
    for number in range(100):
        ask(file_id=f"{number:075}")
        ask(file_id="я" * 70)
    noting.close()
    summary = entries()[-1]
    resources = summary.detail["resources"]
    assert isinstance(resources, dict)
    assert len(resources) <= KINDS + 1
    assert sum(int(str(each)) for each in resources.values()) == 200
    assert len(json.dumps(summary.detail)) < DETAIL_LIMIT_BYTES


async def test_after_a_minute_it_is_told_and_all_begins_anew(
    ask: Ask, entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strangers, "MINUTE_S", 0.2)
    ask(ALONE + 1)

    async def summed_up() -> bool:
        return len(entries()) == ALONE + 1

    await eventually(summed_up)
    ask()
    assert [told.action for told in entries()[ALONE:]] == ["request.refuse", "file.read"]


async def test_nothing_is_kept_of_strangers_beyond_the_limits() -> None:
    told: list[tuple[str, Counted]] = []
    many = Strangers(lambda *summary: told.append(summary))
    turns = [many.turn_of(f"address {number}", "file.read", "") for number in range(50_000)]
    assert turns.count(Turn.COUNTED) == 50_000 - TOGETHER
    many.end_minute()
    assert len(told) == NAMED + 1
    many.end_minute()
    assert len(told) == NAMED + 1
