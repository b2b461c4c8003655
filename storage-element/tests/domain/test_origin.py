"""Who wanted a change, as a record keeps it."""

import json

from artstore_kit.contracts.audit import AuditEntry, new_entry_id
from artstore_kit.principal import Principal
from storage_element.domain.origin import MOMENT, Origin

WHO = Principal("ingester", "ingester-1", frozenset(), (), frozenset(), 0.0, "anna")


def fields(origin: bytes) -> dict[str, str]:
    found: dict[str, str] = json.loads(origin[MOMENT.size :])
    return found


def test_the_action_comes_first_and_what_is_empty_is_left_out() -> None:
    origin = Origin("anna", address="::1", moment_ms=1_772_000_000_123).to_bytes("file.change")
    assert MOMENT.unpack_from(origin) == (1_772_000_000_123,)
    assert list(fields(origin).items()) == [("action", "file.change"), ("actor", "anna"), ("address", "::1")]


def test_a_file_of_a_batch_names_its_own_request_and_sender() -> None:
    of_the_request, of_a_file = Origin.of(WHO), Origin.of(WHO, acting_for="berta", request_id="r-2")
    assert (of_the_request.actor, of_the_request.client_id) == ("ingester", "ingester-1")
    assert (of_the_request.acting_for, of_the_request.request_id) == ("anna", "")
    assert (of_a_file.acting_for, of_a_file.request_id) == ("berta", "r-2")
    assert of_a_file.moment_ms > 1_772_000_000_000


def test_whatever_a_sender_calls_itself_the_audit_log_takes_the_entry() -> None:
    strange = "a\n\x00\x85" + "x" * 1000
    found = fields(Origin(strange, strange, strange, strange, strange).to_bytes("file.create"))
    entry = AuditEntry.model_validate({"entry_id": new_entry_id(), "service": "storage-element", **found})
    assert entry.actor == "a???" + "x" * 60
    assert len(entry.acting_for) == 255
