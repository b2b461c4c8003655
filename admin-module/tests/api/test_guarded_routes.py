"""What the admin module does only with four eyes, and what it refuses: elements taken out, and keys exported."""

from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from admin_module.domain.sealed_letters import Recipient
from artstore_kit.contracts.approvals import APPROVAL_HEADER

ELEMENT = {"url": "http://edit-1.test:8010", "mode": "edit", "epoch": 1, "priority": 10, "site": "north"}
EXPORT = "/api/v1/keys/export"
type Headers = dict[str, str]
type Approve = Callable[[str, str], Awaitable[str]]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def shown(headers: Headers, approval: str) -> Headers:
    return headers | {APPROVAL_HEADER: approval}


async def ask(client: httpx.AsyncClient, headers: Headers, operation: str, resource: str) -> str:
    new = {"operation": operation, "resource": resource, "reason": "it has to be"}
    answer = await client.post("/api/v1/approvals", json=new, headers=headers)
    assert answer.status_code == 201, answer.text
    approval_id: str = answer.json()["approval_id"]
    return approval_id


@pytest.fixture
def approve(client: httpx.AsyncClient, as_administrator: Headers, as_second: Headers) -> Approve:
    """The id of an approval that the first administrator has asked for and the second has given."""

    async def approved(operation: str, resource: str) -> str:
        approval = await ask(client, as_administrator, operation, resource)
        given = await client.post(f"/api/v1/approvals/{approval}/approve", json={}, headers=as_second)
        assert given.status_code == 200, given.text
        return approval

    return approved


@pytest.fixture
async def element(client: httpx.AsyncClient, as_element: Headers) -> str:
    """The path of an element that is there."""
    path = f"/api/v1/elements/e-{uuid4().hex[:8]}"
    assert (await client.put(path, json=ELEMENT, headers=as_element)).status_code == 200
    return path


@pytest.fixture(scope="module")
def recipient() -> str:
    key = rsa.generate_private_key(65537, 3072).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


async def test_an_element_is_taken_out_and_let_back(
    client: httpx.AsyncClient, as_administrator: Headers, as_element: Headers, element: str, approve: Approve
) -> None:
    approval = await approve("element.remove", f"element:{element.rpartition('/')[2]}")
    removed = await client.delete(element, headers=shown(as_administrator, approval))
    assert (removed.status_code, removed.content) == (204, b"")
    assert refusal(await client.get(element, headers=as_element)) == (404, "element_unknown")
    assert refusal(await client.put(element, json=ELEMENT, headers=as_element)) == (409, "element_removed")
    again = await client.delete(element, headers=shown(as_administrator, approval))
    assert refusal(again) == (404, "element_unknown")

    back = await client.post(f"{element}/readmission", headers=as_administrator)
    assert (back.status_code, back.content) == (204, b"")
    assert refusal(await client.get(element, headers=as_element)) == (404, "element_unknown")
    assert (await client.put(element, json=ELEMENT, headers=as_element)).status_code == 200
    used = await client.delete(element, headers=shown(as_administrator, approval))
    assert (refusal(used), used.json()["state"]) == ((403, "approval_invalid"), "used")


async def test_an_element_is_not_taken_out(
    client: httpx.AsyncClient,
    as_administrator: Headers,
    as_second: Headers,
    as_element: Headers,
    element: str,
    approve: Approve,
) -> None:
    resource = f"element:{element.rpartition('/')[2]}"
    alone = await client.delete(element, headers=as_administrator)
    assert refusal(alone) == (403, "approval_required")
    assert (alone.json()["operation"], alone.json()["resource"]) == ("element.remove", resource)
    pending = await ask(client, as_administrator, "element.remove", resource)
    given, other = await approve("element.remove", resource), await approve("element.remove", "element:edit-2")
    for headers, expected in (
        ({}, (401, "not_authenticated")),
        (as_element, (403, "scope_missing")),
        (shown(as_administrator, "yes"), (422, "invalid_fields")),
        (shown(as_administrator, str(uuid4())), (404, "approval_unknown")),
        (shown(as_administrator, pending), (403, "approval_invalid")),
        (shown(as_administrator, other), (403, "approval_invalid")),
        (shown(as_second, given), (403, "approval_invalid")),
    ):
        assert refusal(await client.delete(element, headers=headers)) == expected
    assert (await client.get(element, headers=as_element)).status_code == 200
    for path, expected in (("edit-8", (404, "element_unknown")), ("Edit", (422, "invalid_fields"))):
        answer = await client.delete(f"/api/v1/elements/{path}", headers=shown(as_administrator, given))
        assert refusal(answer) == expected


async def test_who_is_not_let_back(
    client: httpx.AsyncClient, as_administrator: Headers, as_element: Headers, element: str
) -> None:
    for path, headers, expected in (
        (element, {}, (401, "not_authenticated")),
        (element, as_element, (403, "scope_missing")),
        (element, as_administrator, (404, "element_unknown")),
        ("/api/v1/elements/Edit", as_administrator, (422, "invalid_fields")),
    ):
        assert refusal(await client.post(f"{path}/readmission", headers=headers)) == expected
    assert (await client.get(element, headers=as_element)).status_code == 200


async def test_keys_are_exported(
    client: httpx.AsyncClient, as_administrator: Headers, recipient: str, approve: Approve
) -> None:
    fingerprint = Recipient.read(recipient).fingerprint
    headers = shown(as_administrator, await approve("key.export", f"keys:{fingerprint}"))
    for _ in range(2):  # the first answer was lost
        answer = await client.post(EXPORT, json={"recipient": recipient}, headers=headers)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
        assert answer.json()["fingerprint"] == fingerprint
        header = answer.json()["jwe"].partition(".")[0]
        assert b"RSA-OAEP-256" in urlsafe_b64decode(header + "==")


async def test_keys_are_not_exported(
    client: httpx.AsyncClient,
    as_administrator: Headers,
    as_second: Headers,
    as_element: Headers,
    recipient: str,
    approve: Approve,
) -> None:
    alone = await client.post(EXPORT, json={"recipient": recipient}, headers=as_administrator)
    assert refusal(alone) == (403, "approval_required")
    resource = alone.json()["resource"]
    assert resource == f"keys:{Recipient.read(recipient).fingerprint}"
    pending = await ask(client, as_administrator, "key.export", resource)
    given, other = await approve("key.export", resource), await approve("key.export", "keys:another")
    for headers, expected in (
        ({}, (401, "not_authenticated")),
        (as_element, (403, "scope_missing")),
        (shown(as_administrator, "yes"), (422, "invalid_fields")),
        (shown(as_administrator, str(uuid4())), (404, "approval_unknown")),
        (shown(as_administrator, pending), (403, "approval_invalid")),
        (shown(as_administrator, other), (403, "approval_invalid")),
        (shown(as_second, given), (403, "approval_invalid")),
    ):
        answer = await client.post(EXPORT, json={"recipient": recipient}, headers=headers)
        assert refusal(answer) == expected
        assert "jwe" not in answer.json()
    for body in ({}, {"recipient": "nonsense"}, {"recipient": recipient, "format": "pem"}):
        answer = await client.post(EXPORT, json=body, headers=shown(as_administrator, given))
        assert refusal(answer) == (422, "invalid_fields")
