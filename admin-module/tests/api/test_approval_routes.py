"""`/api/v1/approvals`."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.ids import new_file_id

PATH = "/api/v1/approvals"
type Headers = dict[str, str]
type HeadersOf = Callable[[str, str], Awaitable[Headers]]

FILE = f"file:{new_file_id()}"
NEW = {"operation": "file.destroy", "resource": FILE, "reason": "the data subject wants it"}
USE = {"operation": "file.destroy", "resource": FILE, "by": "admin"}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def asked(client: httpx.AsyncClient, headers: Headers, **fields: str) -> str:
    answer = await client.post(PATH, json=NEW | fields, headers=headers)
    assert answer.status_code == 201, answer.text
    approval_id: str = answer.json()["approval_id"]
    assert answer.headers["Location"] == f"{PATH}/{approval_id}"
    return approval_id


async def test_one_asks_another_approves_and_the_service_uses_it(
    client: httpx.AsyncClient, as_administrator: Headers, as_second: Headers, as_element: Headers
) -> None:
    at = f"{PATH}/{await asked(client, as_administrator)}"
    given = await client.post(f"{at}/approve", json={"comment": "ja"}, headers=as_second)
    assert given.status_code == 200, given.text
    for _ in range(2):
        used = await client.post(f"{at}/use", json=USE, headers=as_element)
        assert used.status_code == 200, used.text
    shown = (await client.get(at, headers=as_administrator)).json()
    assert shown == used.json()
    assert {name: shown[name] for name in ("state", "requested_by", "decided_by", "comment", "reason")} == {
        "state": "approved",
        "requested_by": "admin",
        "decided_by": "second",
        "comment": "ja",
        "reason": "the data subject wants it",
    }
    assert code_of(await client.post(f"{at}/withdraw", headers=as_administrator)) == (409, "approval_closed")


async def test_refusals(
    client: httpx.AsyncClient, as_administrator: Headers, as_second: Headers, as_element: Headers
) -> None:
    at = f"{PATH}/{await asked(client, as_administrator)}"
    approve, use = f"{at}/approve", f"{at}/use"
    assert code_of(await client.post(approve, json={}, headers=as_administrator)) == (403, "own_request")
    assert code_of(await client.post(f"{at}/withdraw", headers=as_second)) == (403, "not_your_request")
    pending = await client.post(use, json=USE, headers=as_element)
    assert (code_of(pending), pending.json()["state"]) == ((403, "approval_invalid"), "pending")
    assert (await client.post(f"{at}/reject", json={}, headers=as_second)).json()["state"] == "rejected"
    again = await client.post(approve, headers=as_second)
    assert (code_of(again), again.json()["state"]) == ((409, "approval_closed"), "rejected")
    nowhere = f"{PATH}/{new_file_id()}"
    for path, body in (("approve", {}), ("reject", {}), ("withdraw", None)):
        answer = await client.post(f"{nowhere}/{path}", json=body, headers=as_administrator)
        assert code_of(answer) == (404, "approval_unknown")
    assert code_of(await client.post(f"{nowhere}/use", json=USE, headers=as_element)) == (404, "approval_unknown")
    assert code_of(await client.post(f"{nowhere}/use", json=USE, headers=as_administrator)) == (403, "scope_missing")
    assert code_of(await client.get(nowhere, headers=as_administrator)) == (404, "approval_unknown")


async def test_a_program_asks_for_nothing(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    account = {"client_id": "deleter", "scopes": [*Scope], "grants": []}
    made = (await client.post("/api/v1/service-accounts", json=account, headers=as_administrator)).json()
    auth = httpx.BasicAuth("deleter", made["client_secret"])
    answer = await client.post("/api/v1/auth/token", data={"grant_type": "client_credentials"}, auth=auth)
    program = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    at = f"{PATH}/{await asked(client, as_administrator)}"
    assert code_of(await client.post(PATH, json=NEW, headers=program)) == (403, "person_required")
    assert code_of(await client.post(f"{at}/approve", json={}, headers=program)) == (403, "person_required")


async def test_who_lacks_the_right_to_the_operation_asks_and_approves_nothing(
    client: httpx.AsyncClient, headers_of: HeadersOf, as_administrator: Headers
) -> None:
    operator = await headers_of("operator", "operator")
    assert code_of(await client.post(PATH, json=NEW, headers=operator)) == (403, "scope_missing")
    element = {"operation": "element.remove", "resource": "element:edit-1"}
    assert (await client.post(PATH, json=NEW | element, headers=operator)).status_code == 201
    at = f"{PATH}/{await asked(client, as_administrator)}"
    assert code_of(await client.post(f"{at}/approve", json={}, headers=operator)) == (403, "scope_missing")


@pytest.mark.parametrize(
    "wrong",
    [
        {"operation": "file.burn"},
        {"resource": "element:edit-1"},
        {"resource": "file"},
        {"resource": "file:\n"},
        {"reason": ""},
        {"reason": "x" * 501},
        {"expires_at": "2999-01-01T00:00:00Z"},
    ],
)
async def test_what_cannot_be_asked_for(
    client: httpx.AsyncClient, as_administrator: Headers, wrong: dict[str, str]
) -> None:
    assert code_of(await client.post(PATH, json=NEW | wrong, headers=as_administrator)) == (422, "invalid_fields")


async def test_they_are_listed_newest_first(
    client: httpx.AsyncClient, as_administrator: Headers, as_second: Headers
) -> None:
    ids = [await asked(client, as_administrator, reason=str(number)) for number in range(3)]
    await client.post(f"{PATH}/{ids[1]}/approve", json={}, headers=as_second)

    async def listed(**query: str) -> list[str]:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = await client.get(PATH, params={**query, "limit": "2", "cursor": cursor}, headers=as_second)
            assert answer.status_code == 200, answer.text
            found += [item["approval_id"] for item in answer.json()["items"]]
            cursor = answer.json()["next_cursor"]
        return found

    everything = await listed()
    assert everything[:3] == ids[::-1]
    assert everything == sorted(everything, key=UUID, reverse=True)
    assert [each for each in await listed(state="pending") if each in ids] == [ids[2], ids[0]]
    assert ids[1] in await listed(state="approved")
    assert await listed(state="expired") == []
    for query in ({"cursor": "x"}, {"cursor": "WzFd"}):
        assert code_of(await client.get(PATH, params=query, headers=as_second)) == (400, "bad_cursor")
