"""Entries of the audit log have ids that say when, and that are made again alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from artstore_kit.contracts.audit import AuditEntry, entry_id_of, new_entry_id
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
