"""Entries of the audit log have ids that say when, and that are made again alike."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from artstore_kit.contracts.audit import DETAIL_LIMIT_BYTES, AuditEntry, entry_id_of, in_short, new_entry_id
from artstore_kit.contracts.ids import parse_file_id


@given(st.integers(0, 2**47), st.text(), st.integers(0, 2**63))
def test_the_same_source_has_the_same_id(moment_ms: int, element: str, lsn: int) -> None:
    entry_id = entry_id_of(moment_ms, element, 1, lsn)

    assert entry_id == entry_id_of(moment_ms, element, 1, lsn)
    assert entry_id != entry_id_of(moment_ms, element, 1, lsn + 1)
    assert entry_id.int >> 80 == moment_ms
    assert parse_file_id(str(entry_id)) == entry_id


def test_what_an_older_version_has_told_is_told_again_under_its_id() -> None:
    assert str(entry_id_of(1_700_000_000_000, "edit-1", 3, 42)) == "018bcfe5-6800-786d-bbf5-1042177e1aec"


def test_sources_are_not_run_together() -> None:
    assert entry_id_of(0, "a", "bc") != entry_id_of(0, "ab", "c")


def test_an_entry_says_when_it_was() -> None:
    entry = AuditEntry(entry_id=new_entry_id(1_700_000_000_123), service="storage-element", action="file.create")
    assert entry.at.timestamp() == 1_700_000_000.123


@pytest.mark.parametrize("action", ["", "create", "File.create", "file.create\n", "file create"])
def test_an_action_is_two_words_and_a_dot(action: str) -> None:
    with pytest.raises(ValidationError):
        AuditEntry(entry_id=new_entry_id(), service="storage-element", action=action)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=3000)
details = st.dictionaries(
    st.text("abcdefghij_", min_size=1, max_size=20),
    st.none() | st.integers() | texts | st.lists(texts, max_size=60) | st.dictionaries(texts, texts, max_size=9),
    max_size=12,
)


@given(details)
def test_whatever_is_told_fits_an_entry(detail: dict[str, object]) -> None:
    told = in_short(detail)
    AuditEntry(entry_id=new_entry_id(), service="admin-module", action="role.create", detail=told)
    assert told.keys() == detail.keys()
    if len(json.dumps(detail, ensure_ascii=False).encode()) <= DETAIL_LIMIT_BYTES:
        assert told == detail


def test_the_longest_is_told_by_its_length_and_a_hash() -> None:
    """The limit is that of the whole: quotation marks, colons and all."""
    just_right = {"grants": "x" * (DETAIL_LIMIT_BYTES - len('{"grants": ""}'))}
    assert in_short(just_right) == just_right
    grants = [{"actions": ["read"], "collection": f"отдел-{number}"} for number in range(200)]
    digest = hashlib.sha256(json.dumps(grants, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
    told = in_short({"revision": 7, "grants": grants, "scopes": ["files:read"]})
    assert told == {"revision": 7, "grants": {"length": 200, "sha256": digest}, "scopes": ["files:read"]}
