"""Deeds, leaves and months of the audit log."""

import json
from datetime import UTC, datetime, timedelta, timezone

from admin_module.domain.audit import EARLIEST, LEAD, Deed, Month, entry_text, is_credible, leaf_from, leaf_of, tells
from artstore_kit.contracts.audit import AuditEntry, new_entry_id
from artstore_kit.principal import Principal

NOW = datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def test_a_deed_says_who_for_whom_and_when() -> None:
    who = Principal("query-module", "query-module", frozenset(), (), frozenset(), 0, acting_for="ada")
    entry = Deed.by(who, "account.create", "account:scanner", scopes=["files:read"]).entry(NOW, "id-1", "127.0.0.1")
    assert (entry.actor, entry.client_id, entry.acting_for) == ("query-module", "query-module", "ada")
    assert (entry.service, entry.request_id, entry.address) == ("admin-module", "id-1", "127.0.0.1")
    assert (entry.detail, entry.at) == ({"scopes": ["files:read"]}, NOW)


def test_a_leaf_is_json_with_its_keys_in_order_and_no_blanks() -> None:
    entry = AuditEntry(entry_id=new_entry_id(ms(NOW)), service="s", action="file.create", detail={"б": 1, "a": None})
    leaf = leaf_of(7, NOW.astimezone(timezone(timedelta(hours=3))), entry)
    read = json.loads(leaf)
    assert leaf == json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert AuditEntry.model_validate(read["entry"]) == entry
    assert (read["index"], read["recorded_at"]) == (7, "2026-12-31T23:59:59.999000Z")


def test_a_leaf_says_who_delivered_it_and_what_was_told() -> None:
    entry = AuditEntry(entry_id=new_entry_id(ms(NOW)), service="s", action="file.create")
    inner = {"entry": json.loads(entry_text(entry)), "index": 7}
    other = AuditEntry(entry_id=entry.entry_id, service="t", action="file.create", detail={"x": inner})
    for teller in ("", "ingester-module"):
        leaf = leaf_from(7, "2026-12-31T23:59:59.999000Z", entry_text(entry), teller)
        read = json.loads(leaf)
        assert leaf == json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        assert read.get("delivered_by", "") == teller
        assert tells(leaf, entry_text(entry))
        assert not tells(leaf, entry_text(other))
        assert not tells(leaf_from(7, "", entry_text(other), teller), entry_text(entry))


def test_months_follow_one_another_without_a_gap() -> None:
    december = Month.of(new_entry_id(ms(NOW)))
    assert (december, december.next) == (Month(2026, 12), Month(2027, 1))
    assert Month.of(new_entry_id(ms(NOW) + 1)) == december.next
    assert december.first_id < new_entry_id(ms(NOW)) < december.next.first_id < new_entry_id(ms(NOW) + 1)


def test_a_moment_that_cannot_be_is_told() -> None:
    latest = NOW + LEAD
    assert is_credible(new_entry_id(ms(EARLIEST)), latest)
    assert is_credible(new_entry_id(ms(latest)), latest)
    assert not is_credible(new_entry_id(ms(EARLIEST) - 1), latest)
    assert not is_credible(new_entry_id(ms(latest) + 1), latest)
