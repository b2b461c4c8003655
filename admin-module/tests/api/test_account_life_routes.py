"""`/api/v1/service-accounts/{client_id}`: changed, suspended, removed, given a new secret; and found."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest

from artstore_kit.contracts.identity import Scope

PATH = "/api/v1/service-accounts"
READ_HR = {"collection": "hr/*", "actions": ["read"]}
type Headers = dict[str, str]
type Account = dict[str, str]
type Made = Callable[..., Awaitable[Account]]


@pytest.fixture
def made(client: httpx.AsyncClient, as_administrator: Headers) -> Made:
    """Makes an account, by default with one scope and one grant."""

    async def make(client_id: str, **more: object) -> Account:
        new = {"client_id": client_id, "scopes": ["files:read"], "grants": [READ_HR], **more}
        answer = await client.post(PATH, json=new, headers=as_administrator)
        assert answer.status_code == 201, answer.text
        account: Account = answer.json()
        return account

    return make


async def ask(client: httpx.AsyncClient, account: Account, secret: str = "") -> httpx.Response:
    auth = httpx.BasicAuth(account["client_id"], secret or account["client_secret"])
    return await client.post("/api/v1/auth/token", data={"grant_type": "client_credentials"}, auth=auth)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_change_shows_in_the_next_token(
    client: httpx.AsyncClient, as_administrator: Headers, made: Made
) -> None:
    account = await made("changing")
    changes = {"description": "reads and writes", "roles": ["auditor"], "scopes": ["files:write"], "grants": []}
    answer = await client.patch(f"{PATH}/changing", json=changes, headers={**as_administrator, "If-Match": '"r1"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"r2"')
    del account["client_secret"]
    assert answer.json() == {**account, **changes, "revision": 2}
    shown = await client.get(f"{PATH}/changing", headers=as_administrator)
    assert (shown.json(), shown.headers["etag"]) == (answer.json(), '"r2"')


async def test_the_token_follows_the_rights(client: httpx.AsyncClient, as_administrator: Headers, made: Made) -> None:
    account = await made("followed")
    await client.patch(f"{PATH}/followed", json={"scopes": ["audit:read"], "grants": []}, headers=as_administrator)
    token = (await ask(client, account)).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["scope"], claims["grants"], "roles" in claims) == ("audit:read", [], False)


async def test_a_change_in_between_is_not_overwritten(
    client: httpx.AsyncClient, as_administrator: Headers, made: Made
) -> None:
    await made("between")
    headers = {**as_administrator, "If-Match": '"r1"'}
    assert (await client.patch(f"{PATH}/between", json={}, headers=headers)).status_code == 200
    assert code_of(await client.patch(f"{PATH}/between", json={}, headers=headers)) == (412, "revision_mismatch")


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"system": True},
        {"state": "active"},
        {"description": "a\x00b"},
        {"roles": ["A"]},
        {"roles": [f"role-{number}" for number in range(17)]},
        {"roles": ["nothing"]},
        {"scopes": ["files:burn"]},
        {"grants": [{"collection": "x" * 128, "actions": ["read"]}] * 50},
        {"token_requests_per_minute": 0},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"jwks": {"kty": "EC", "crv": "P-256", "x": "AA" * 21 + "A", "y": "AA" * 21 + "A"}},
    ],
)
async def test_changes_that_are_wrong(
    client: httpx.AsyncClient, as_administrator: Headers, fleet: dict[str, str], wrong: dict[str, object]
) -> None:
    await client.post(PATH, json={"client_id": "unchanged"}, headers=as_administrator)
    answer = await client.patch(f"{PATH}/unchanged", json=wrong, headers=as_administrator)
    assert code_of(answer) == (422, "invalid_fields")
    assert (await client.get(f"{PATH}/unchanged", headers=as_administrator)).json()["revision"] == 1


async def test_a_suspended_account_gets_no_token(
    client: httpx.AsyncClient, as_administrator: Headers, made: Made
) -> None:
    account = await made("pausing")
    suspended = await client.post(f"{PATH}/pausing/suspend", headers=as_administrator)
    assert (suspended.status_code, suspended.json()["state"], suspended.headers["etag"]) == (200, "suspended", '"r2"')
    refused = await ask(client, account)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.json() == (await ask(client, account, secret="wrong" * 9)).json()
    activated = await client.post(f"{PATH}/pausing/activate", headers=as_administrator)
    assert (activated.status_code, activated.json()["state"]) == (200, "active")
    assert (await ask(client, account)).status_code == 200


async def test_a_removed_account_is_gone_and_its_name_is_free(
    client: httpx.AsyncClient, as_administrator: Headers, made: Made
) -> None:
    account = await made("going")
    assert (await client.delete(f"{PATH}/going", headers=as_administrator)).status_code == 204
    assert code_of(await client.get(f"{PATH}/going", headers=as_administrator)) == (404, "account_unknown")
    assert (await ask(client, account)).status_code == 401
    again = await made("going")
    assert (await ask(client, again)).status_code == 200
    assert (await ask(client, account)).status_code == 401


async def test_a_new_secret_is_shown_once_and_the_old_one_goes_on(
    client: httpx.AsyncClient, as_administrator: Headers, made: Made
) -> None:
    account = await made("rotating")
    answer = await client.post(f"{PATH}/rotating/secret", headers=as_administrator)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    new = answer.json()
    assert new.keys() == {"client_id", "client_secret", "secret_expires_at", "old_secret_expires_at"}
    overlap = datetime.fromisoformat(new["old_secret_expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=55) < overlap <= timedelta(hours=24)
    for secret in (account["client_secret"], new["client_secret"]):
        assert (await ask(client, account, secret)).status_code == 200
    answer = await client.post(f"{PATH}/rotating/secret", json={"overlap_s": 60}, headers=as_administrator)
    assert code_of(answer) == (409, "secrets_overlap")
    last = (await client.post(f"{PATH}/rotating/secret", json={"overlap_s": 0}, headers=as_administrator)).json()
    assert last["old_secret_expires_at"] is None
    for secret in (account["client_secret"], new["client_secret"]):
        assert (await ask(client, account, secret)).status_code == 401
    assert (await ask(client, account, last["client_secret"])).status_code == 200
    assert last["client_secret"] not in (await client.get(f"{PATH}/rotating", headers=as_administrator)).text


@pytest.mark.parametrize("overlap_s", [-1, 30 * 24 * 3600 + 1, "x", None])
async def test_overlaps_that_are_wrong(client: httpx.AsyncClient, as_administrator: Headers, overlap_s: object) -> None:
    body = {"overlap_s": overlap_s}
    answer = await client.post(f"{PATH}/query-module/secret", json=body, headers=as_administrator)
    assert code_of(answer) == (422, "invalid_fields")


async def test_the_fleets_own_accounts_stay(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    for answer in (
        await client.delete(f"{PATH}/query-module", headers=as_administrator),
        await client.patch(f"{PATH}/query-module", json={"scopes": []}, headers=as_administrator),
        await client.post(f"{PATH}/query-module/secret", json={}, headers=as_administrator),
    ):
        assert code_of(answer) == (409, "account_is_system")


async def all_changes(client: httpx.AsyncClient, client_id: str, headers: Headers) -> list[httpx.Response]:
    path = f"{PATH}/{client_id}"
    return [
        await client.patch(path, json={"description": "x"}, headers=headers),
        await client.post(f"{path}/suspend", headers=headers),
        await client.post(f"{path}/activate", headers=headers),
        await client.post(f"{path}/secret", json={}, headers=headers),
        await client.delete(path, headers=headers),
    ]


async def test_unknown_accounts(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    for answer in await all_changes(client, "nobody", as_administrator):
        assert code_of(answer) == (404, "account_unknown")


async def test_who_may_not_change_accounts(client: httpx.AsyncClient, made: Made) -> None:
    reader = await made("only-reading", scopes=["accounts:read"])
    headers = {"Authorization": f"Bearer {(await ask(client, reader)).json()['access_token']}"}
    for answer in await all_changes(client, "only-reading", headers):
        assert code_of(answer) == (403, "scope_missing")


async def test_nobody_has_power_over_those_who_hold_more(client: httpx.AsyncClient, made: Made) -> None:
    await made("stronger", scopes=["keys:export"])
    weaker = await made("weaker", scopes=[each for each in Scope if each is not Scope.KEYS_EXPORT])
    headers = {"Authorization": f"Bearer {(await ask(client, weaker)).json()['access_token']}"}
    for answer in await all_changes(client, "stronger", headers):
        assert code_of(answer) == (403, "holds_more")


async def test_accounts_are_found(client: httpx.AsyncClient, as_administrator: Headers, made: Made) -> None:
    for name in ("found-1", "found-2", "found-3"):
        await made(name, roles=["readonly"])
    await client.post(f"{PATH}/found-2/suspend", headers=as_administrator)
    soon, late = (datetime.now(UTC) + timedelta(days=days) for days in (89, 91))
    for asked, names in (
        ({"prefix": "found-"}, ["found-1", "found-2", "found-3"]),
        ({"prefix": "found-", "state": "suspended"}, ["found-2"]),
        ({"prefix": "found-", "state": "active", "role": "readonly"}, ["found-1", "found-3"]),
        ({"prefix": "found-", "system": "true"}, []),
        ({"prefix": "found-", "secret_expires_before": soon.isoformat()}, []),
        ({"prefix": "found-", "secret_expires_before": late.isoformat()}, ["found-1", "found-2", "found-3"]),
    ):
        answer = await client.get(PATH, params=asked, headers=as_administrator)
        assert [each["client_id"] for each in answer.json()["items"]] == names, asked
    page = (await client.get(PATH, params={"prefix": "found-", "limit": "2"}, headers=as_administrator)).json()
    rest = {"prefix": "found-", "cursor": page["next_cursor"]}
    answer = await client.get(PATH, params=rest, headers=as_administrator)
    assert [each["client_id"] for each in answer.json()["items"]] == ["found-3"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"prefix": "A"},
        {"prefix": "%"},
        {"state": "dead"},
        {"role": "A"},
        {"system": "x"},
        {"secret_expires_before": "2026-01-01"},
    ],
)
async def test_filters_that_are_wrong(
    client: httpx.AsyncClient, as_administrator: Headers, wrong: dict[str, str]
) -> None:
    answer = await client.get(PATH, params=wrong, headers=as_administrator)
    assert code_of(answer) == (422, "invalid_fields")
