"""What cannot be undone takes two administrators, from the ingester to the disk."""

import asyncio
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from artstore import ArtStore
from artstore_kit.contracts.approvals import APPROVAL_HEADER
from artstore_kit.contracts.identity import Scope
from tests.fleet.documents import Document, unique_word
from tests.fleet.people import administrator, newcomer, second_administrator
from tests.fleet.wire import Wire, refusal
from tools.fleet.fleet import Fleet

APPROVALS = "/approvals"
FAR = {"policy": "ten-years", "kind": "temporary", "retain_until": "2999-01-01T00:00:00Z"}


@pytest.fixture
async def ada(wire: Wire) -> str:
    """The token of the administrator who wants something."""
    return await administrator(wire)


@pytest.fixture
async def bob(wire: Wire) -> str:
    """That of another one."""
    return await second_administrator(wire)


async def asked(wire: Wire, token: str, operation: str, resource: str) -> str:
    new = {"operation": operation, "resource": resource, "reason": "the court says so"}
    answer = await wire.ask("POST", "admin", APPROVALS, token=token, json=new)
    assert answer.status_code == 201, answer.text
    approval_id: str = answer.json()["approval_id"]
    return approval_id


async def approve(wire: Wire, token: str, approval_id: str) -> None:
    answer = await wire.ask("POST", "admin", f"{APPROVALS}/{approval_id}/approve", token=token, json={})
    assert answer.status_code == 200, answer.text


def shown(approval_id: str) -> dict[str, str]:
    return {APPROVAL_HEADER: approval_id}


async def holds_of(wire: Wire, file_id: UUID) -> list[dict[str, str]]:
    """As the element has them, which is the first to know."""
    holds: list[dict[str, str]] = (await wire.ask("GET", "edit-1", f"/files/{file_id}")).json()["holds"]
    return holds


@pytest.mark.parametrize("service", ["ingester", "edit-1"])
async def test_a_hold_is_released_by_two(store: ArtStore, wire: Wire, ada: str, bob: str, service: str) -> None:
    file = await Document.of_size(10).put(store)
    hold = f"/files/{file.file_id}/holds/case-7"
    await wire.ask("PUT", service, hold, token=ada, json={})
    approval = await asked(wire, ada, "hold.release", f"hold:{file.file_id}/case-7")

    refusal(await wire.ask("DELETE", service, hold, token=ada), 403, "approval_required")
    pending = await wire.ask("DELETE", service, hold, token=ada, headers=shown(approval))
    assert refusal(pending, 403, "approval_invalid")["state"] == "pending"
    alone = await wire.ask("POST", "admin", f"{APPROVALS}/{approval}/approve", token=ada, json={})
    refusal(alone, 403, "own_request")
    await approve(wire, bob, approval)
    other = await wire.ask("DELETE", service, hold, token=bob, headers=shown(approval))
    refusal(other, 403, "approval_invalid")
    assert [each["id"] for each in await holds_of(wire, file.file_id)] == ["case-7"]

    for _ in range(2):
        released = await wire.ask("DELETE", service, hold, token=ada, headers=shown(approval))
        assert released.status_code == 204, released.text
    assert await holds_of(wire, file.file_id) == []
    await wire.ask("PUT", service, hold, token=ada, json={})
    anew = await wire.ask("DELETE", service, hold, token=ada, headers=shown(approval))
    assert refusal(anew, 403, "approval_invalid")["state"] == "used"
    told = (await wire.ask("GET", "admin", f"{APPROVALS}/{approval}", token=bob)).json()
    assert (told["requested_by"], told["decided_by"], told["used_at"] is None) == ("admin", "second", False)


@pytest.mark.parametrize("service", ["ingester", "edit-1"])
async def test_a_file_is_destroyed_before_its_time_by_two(wire: Wire, ada: str, bob: str, service: str) -> None:
    stored = await wire.upload(b"personal data", retention=FAR)
    file = f"/files/{stored.json()['file_id']}"
    approval = await asked(wire, ada, "file.destroy", file.replace("/files/", "file:"))

    refusal(await wire.ask("DELETE", service, file, token=ada), 409, "file_retained")
    refusal(await wire.ask("DELETE", service, file, token=ada, headers=shown(approval)), 403, "approval_invalid")
    await approve(wire, bob, approval)
    destroyed = await wire.ask("DELETE", service, file, token=ada, headers=shown(approval))

    assert destroyed.status_code == 204, destroyed.text
    refusal(await wire.ask("GET", "edit-1", file), 404, "file_unknown")


async def test_an_element_is_taken_out_of_the_fleet_by_two(wire: Wire, ada: str, bob: str) -> None:
    path = "/elements/edit-9"
    told = {"url": "http://127.0.0.1:9", "mode": "edit", "epoch": 1, "priority": 900, "site": "nowhere"}
    approval = await asked(wire, ada, "element.remove", "element:edit-9")
    await approve(wire, bob, approval)

    (await wire.ask("PUT", "admin", path, token=ada, json=told)).raise_for_status()
    refusal(await wire.ask("DELETE", "admin", path, token=ada), 403, "approval_required")
    removed = await wire.ask("DELETE", "admin", path, token=ada, headers=shown(approval))

    assert removed.status_code == 204, removed.text
    refusal(await wire.ask("GET", "admin", path, token=ada), 404, "element_unknown")
    refusal(await wire.ask("PUT", "admin", path, token=ada, json=told), 409, "element_removed")
    assert (await wire.ask("POST", "admin", f"{path}/readmission", token=bob)).status_code == 204


async def test_keys_are_exported_by_two_for_a_recipient(wire: Wire, ada: str, bob: str) -> None:
    pem = (
        rsa.generate_private_key(65537, 3072).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    recipient = {"recipient": pem.decode()}
    refused = await wire.ask("POST", "admin", "/keys/export", token=ada, json=recipient)
    approval = await asked(wire, ada, "key.export", refusal(refused, 403, "approval_required")["resource"])
    await approve(wire, bob, approval)

    exported = await wire.ask("POST", "admin", "/keys/export", token=ada, json=recipient, headers=shown(approval))
    assert exported.status_code == 200, exported.text
    assert exported.json()["jwe"].count(".") == 4
    assert "PRIVATE" not in exported.text


async def test_a_program_with_all_rights_does_neither(store: ArtStore, wire: Wire, ada: str, bob: str) -> None:
    file = await Document.of_size(10).put(store)
    resource = f"hold:{file.file_id}/case-7"
    hold = f"/files/{file.file_id}/holds/case-7"
    program = await newcomer(wire, f"robot-{unique_word()}", list(Scope))
    await wire.ask("PUT", "ingester", hold, token=program, json={})
    new = {"operation": "hold.release", "resource": resource, "reason": "I am tired of it"}
    refusal(await wire.ask("POST", "admin", APPROVALS, token=program, json=new), 403, "person_required")

    approval = await asked(wire, ada, "hold.release", resource)
    path = f"{APPROVALS}/{approval}/approve"
    refusal(await wire.ask("POST", "admin", path, token=program, json={}), 403, "person_required")
    await approve(wire, bob, approval)
    used = await wire.ask("DELETE", "ingester", hold, token=program, headers=shown(approval))
    refusal(used, 403, "approval_invalid")


async def test_what_was_rejected_or_withdrawn_is_good_for_nothing(wire: Wire, ada: str, bob: str) -> None:
    file = (await wire.upload(b"personal data", retention=FAR)).json()["file_id"]
    rejected, withdrawn = [await asked(wire, ada, "file.destroy", f"file:{file}") for _ in range(2)]
    no = {"comment": "no"}
    (await wire.ask("POST", "admin", f"{APPROVALS}/{rejected}/reject", token=bob, json=no)).raise_for_status()
    (await wire.ask("POST", "admin", f"{APPROVALS}/{withdrawn}/withdraw", token=ada)).raise_for_status()
    for approval in (rejected, withdrawn):
        answer = await wire.ask("DELETE", "ingester", f"/files/{file}", token=ada, headers=shown(approval))
        refusal(answer, 403, "approval_invalid")
    found = await wire.ask("GET", "admin", APPROVALS, token=bob, params={"state": "rejected"})
    assert rejected in [each["approval_id"] for each in found.json()["items"]]


async def test_without_the_admin_module_nothing_is_destroyed(fleet: Fleet, wire: Wire, ada: str, bob: str) -> None:
    file = (await wire.upload(b"personal data", retention=FAR)).json()["file_id"]
    approval = await asked(wire, ada, "file.destroy", f"file:{file}")
    await approve(wire, bob, approval)

    await asyncio.to_thread(fleet.kill, "admin")
    while_away = await wire.ask("DELETE", "edit-1", f"/files/{file}", token=ada, headers=shown(approval))
    still_there = await wire.ask("GET", "edit-1", f"/files/{file}", token=ada)
    await asyncio.to_thread(fleet.start_one, "admin")

    assert while_away.status_code == 503, while_away.text
    assert still_there.status_code == 200
