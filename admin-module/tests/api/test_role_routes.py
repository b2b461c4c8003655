"""`/api/v1/roles`."""

from collections.abc import Awaitable, Callable

import httpx
import jwt
import pytest

from artstore_kit.contracts.identity import ROLES_LIMIT, Scope

PATH = "/api/v1/roles"
ACCOUNTS = "/api/v1/service-accounts"
READ_HR = {"collection": "hr/*", "actions": ["read"]}
READ_ALL = {"collection": "*", "actions": ["read"]}
type Headers = dict[str, str]
type Somebody = Callable[..., Awaitable[Headers]]


def new(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "scopes": ["files:read"], "grants": [READ_HR], **more}


async def test_a_role_with_more_than_an_entry_holds_is_made_and_told(
    client: httpx.AsyncClient, as_administrator: Headers
) -> None:
    grants = [{"collection": f"{number:0>76}", "actions": ["read", "write", "delete"]} for number in range(30)]
    made = await client.post(PATH, json=new("heavy", grants=grants), headers=as_administrator)
    assert made.status_code == 201, made.text
    found = await client.get("/api/v1/audit/entries", params={"resource": "role:heavy"}, headers=as_administrator)
    assert [each["entry"]["detail"]["grants"]["length"] for each in found.json()["items"]] == [30]


async def test_a_person_holds_as_many_roles_as_fit_a_token(
    client: httpx.AsyncClient, as_administrator: Headers
) -> None:
    names = [f"role-{number:0>58}" for number in range(ROLES_LIMIT + 1)]
    for name in names:
        assert (await client.post(PATH, json=new(name, grants=[]), headers=as_administrator)).status_code == 201
    for held, status in ((names[1:], 201), (names, 422)):
        body = {"username": f"holder-{status}", "display_name": "n" * 200, "roles": held}
        answer = await client.post("/api/v1/administrators", json=body, headers=as_administrator)
        assert answer.status_code == status, answer.text
    answer = await client.patch("/api/v1/administrators/holder-201", json={"roles": names}, headers=as_administrator)
    assert code_of(answer) == (422, "invalid_fields")


async def token_of(client: httpx.AsyncClient, account: dict[str, str]) -> str:
    auth = httpx.BasicAuth(account["client_id"], account["client_secret"])
    answer = await client.post("/api/v1/auth/token", data={"grant_type": "client_credentials"}, auth=auth)
    token: str = answer.json()["access_token"]
    return token


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def somebody(client: httpx.AsyncClient, as_administrator: Headers) -> Somebody:
    """Makes an account and gives the headers of its requests."""

    async def make(client_id: str, **rights: object) -> Headers:
        made = await client.post(ACCOUNTS, json={"client_id": client_id, **rights}, headers=as_administrator)
        assert made.status_code == 201, made.text
        return {"Authorization": f"Bearer {await token_of(client, made.json())}"}

    return make


async def test_a_role_is_made_shown_changed_and_removed(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    made = await client.post(PATH, json=new("clerk", description="Отдел кадров"), headers=as_administrator)
    assert (made.status_code, made.headers["location"], made.headers["etag"]) == (201, f"{PATH}/clerk", '"r1"')
    role = {
        "name": "clerk",
        "description": "Отдел кадров",
        "scopes": ["files:read"],
        "grants": [READ_HR],
        "builtin": False,
        "revision": 1,
    }
    assert made.json() == role
    shown = await client.get(f"{PATH}/clerk", headers=as_administrator)
    assert (shown.json(), shown.headers["etag"]) == (role, '"r1"')
    changes = {"scopes": ["files:write", "files:read"]}
    changed = await client.patch(f"{PATH}/clerk", json=changes, headers={**as_administrator, "If-Match": '"r1"'})
    after = {**role, "scopes": ["files:read", "files:write"], "revision": 2}
    assert (changed.status_code, changed.json(), changed.headers["etag"]) == (200, after, '"r2"')
    assert (await client.get(f"{PATH}/clerk", headers=as_administrator)).json() == after
    assert (await client.delete(f"{PATH}/clerk", headers=as_administrator)).status_code == 204
    assert code_of(await client.get(f"{PATH}/clerk", headers=as_administrator)) == (404, "role_unknown")


async def test_a_change_in_between_is_not_overwritten(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    await client.post(PATH, json=new("guarded"), headers=as_administrator)
    for status in (200, 412):
        answer = await client.patch(
            f"{PATH}/guarded", json={"description": str(status)}, headers={**as_administrator, "If-Match": '"r1"'}
        )
        assert answer.status_code == status
    assert code_of(answer) == (412, "revision_mismatch")
    assert (await client.get(f"{PATH}/guarded", headers=as_administrator)).json()["description"] == "200"


async def test_roles_are_listed_by_name_with_the_built_in_ones(
    client: httpx.AsyncClient, as_administrator: Headers
) -> None:
    for name in ("aa", "pp", "zz"):
        await client.post(PATH, json=new(name), headers=as_administrator)
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = (await client.get(PATH, params={"limit": 2, "cursor": cursor}, headers=as_administrator)).json()
        names += [role["name"] for role in answer["items"]]
        cursor = answer["next_cursor"]
    assert names == sorted(set(names))
    assert {"aa", "pp", "zz", "super_admin", "admin", "operator", "auditor", "readonly"} <= set(names)


@pytest.mark.parametrize("name", ["super_admin", "readonly"])
async def test_built_in_roles_stay_as_they_are(client: httpx.AsyncClient, as_administrator: Headers, name: str) -> None:
    before = (await client.get(f"{PATH}/{name}", headers=as_administrator)).json()
    assert before["builtin"]
    for answer in (
        await client.patch(f"{PATH}/{name}", json={"scopes": []}, headers=as_administrator),
        await client.delete(f"{PATH}/{name}", headers=as_administrator),
    ):
        assert code_of(answer) == (409, "role_builtin")
    assert code_of(await client.post(PATH, json=new(name), headers=as_administrator)) == (409, "role_exists")
    assert (await client.get(f"{PATH}/{name}", headers=as_administrator)).json() == before


async def test_a_name_is_taken_once(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    await client.post(PATH, json=new("twice"), headers=as_administrator)
    assert code_of(await client.post(PATH, json=new("twice"), headers=as_administrator)) == (409, "role_exists")


async def test_a_role_in_use_is_not_removed(
    client: httpx.AsyncClient, as_administrator: Headers, somebody: Somebody
) -> None:
    await client.post(PATH, json=new("used"), headers=as_administrator)
    await somebody("user-of-it", roles=["used"])
    assert code_of(await client.delete(f"{PATH}/used", headers=as_administrator)) == (409, "role_in_use")


async def test_unknown_roles(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    for answer in (
        await client.get(f"{PATH}/nothing", headers=as_administrator),
        await client.patch(f"{PATH}/nothing", json={}, headers=as_administrator),
        await client.delete(f"{PATH}/nothing", headers=as_administrator),
    ):
        assert code_of(answer) == (404, "role_unknown")
    account = {"client_id": "roleless", "roles": ["nothing"]}
    answer = await client.post(ACCOUNTS, json=account, headers=as_administrator)
    assert code_of(answer) == (422, "invalid_fields")
    assert answer.json()["errors"] == [{"field": "roles", "message": "There is no role nothing."}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "A"},
        {"name": "a"},
        {"name": "a" * 64},
        {"name": "a.b"},
        {"description": "x" * 501},
        {"description": "a\x00b"},
        {"scopes": ["files:burn"]},
        {"grants": [READ_HR] * 101},
        {"grants": [{"collection": "x" * 128, "actions": ["read"]}] * 50},
        {"builtin": True},
    ],
)
async def test_roles_that_are_wrong(
    client: httpx.AsyncClient, as_administrator: Headers, wrong: dict[str, object]
) -> None:
    answer = await client.post(PATH, json=new("wrong") | wrong, headers=as_administrator)
    assert code_of(answer) == (422, "invalid_fields")


async def test_who_may_not_see_or_change_roles(client: httpx.AsyncClient, as_element: Headers) -> None:
    for answer in (
        await client.get(PATH, headers=as_element),
        await client.get(f"{PATH}/admin", headers=as_element),
        await client.post(PATH, json=new("sneaky"), headers=as_element),
        await client.patch(f"{PATH}/admin", json={}, headers=as_element),
        await client.delete(f"{PATH}/admin", headers=as_element),
    ):
        assert code_of(answer) == (403, "scope_missing")


async def test_a_token_carries_what_the_roles_give(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    await client.post(PATH, json=new("carried"), headers=as_administrator)
    account = {
        "client_id": "carrier",
        "roles": ["carried", "auditor"],
        "scopes": ["files:write"],
        "grants": [{"collection": "hr/*", "actions": ["write"]}],
    }
    made = (await client.post(ACCOUNTS, json=account, headers=as_administrator)).json()
    assert made["roles"] == ["auditor", "carried"]
    claims = jwt.decode(await token_of(client, made), options={"verify_signature": False})
    assert claims["roles"] == ["auditor", "carried"]
    reading = {scope.value for scope in Scope if scope.value.endswith(":read")}
    assert set(claims["scope"].split()) == reading | {"files:write"}
    assert claims["grants"] == [{"collection": "hr/*", "actions": ["read", "write"]}]


async def test_a_changed_role_changes_the_next_token(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    await client.post(PATH, json=new("moving"), headers=as_administrator)
    account = {"client_id": "moved", "roles": ["moving"]}
    made = (await client.post(ACCOUNTS, json=account, headers=as_administrator)).json()
    await client.patch(f"{PATH}/moving", json={"scopes": ["files:delete"], "grants": []}, headers=as_administrator)
    claims = jwt.decode(await token_of(client, made), options={"verify_signature": False})
    assert (claims["scope"], claims["grants"]) == ("files:delete", [])


async def test_nobody_makes_or_changes_a_role_beyond_their_own_rights(
    client: httpx.AsyncClient, as_administrator: Headers, somebody: Somebody
) -> None:
    giver = await somebody("role-giver", scopes=["roles:write", "files:read"], grants=[READ_HR])
    for given, code in (
        (new("beyond-1", scopes=["files:write"]), "scope_missing"),
        (new("beyond-2", grants=[READ_ALL]), "grant_missing"),
    ):
        assert code_of(await client.post(PATH, json=given, headers=giver)) == (403, code)
    assert (await client.post(PATH, json=new("within"), headers=giver)).status_code == 201
    for changes, code in (({"scopes": ["files:write"]}, "scope_missing"), ({"grants": [READ_ALL]}, "grant_missing")):
        assert code_of(await client.patch(f"{PATH}/within", json=changes, headers=giver)) == (403, code)
    await client.patch(f"{PATH}/within", json={"scopes": ["audit:read"]}, headers=as_administrator)
    for answer in (
        await client.patch(f"{PATH}/within", json={"scopes": []}, headers=giver),
        await client.delete(f"{PATH}/within", headers=giver),
    ):
        assert code_of(answer) == (403, "holds_more")


async def test_nobody_changes_a_role_of_those_who_hold_more(
    client: httpx.AsyncClient, as_administrator: Headers, somebody: Somebody
) -> None:
    giver = await somebody("narrower", scopes=["roles:write", "files:read"], grants=[READ_HR])
    await client.post(PATH, json=new("shared"), headers=giver)
    assert (await client.patch(f"{PATH}/shared", json={"grants": []}, headers=giver)).status_code == 200
    await somebody("mightier", roles=["shared"], scopes=["keys:export"])
    answer = await client.patch(f"{PATH}/shared", json={"scopes": []}, headers=giver)
    assert code_of(answer) == (403, "holds_more")
    assert (await client.get(f"{PATH}/shared", headers=as_administrator)).json()["scopes"] == ["files:read"]


async def test_nobody_gives_a_role_that_holds_more(client: httpx.AsyncClient, somebody: Somebody) -> None:
    giver = await somebody("account-giver", scopes=["accounts:write"])
    for role, code in (("auditor", "scope_missing"), ("super_admin", "scope_missing")):
        answer = await client.post(ACCOUNTS, json={"client_id": f"given-{role}", "roles": [role]}, headers=giver)
        assert code_of(answer) == (403, code)


async def test_a_role_that_makes_its_holders_tokens_too_long(
    client: httpx.AsyncClient, as_administrator: Headers, somebody: Somebody
) -> None:
    def many(letter: str) -> list[dict[str, object]]:
        return [{"collection": f"{letter}-{number:03}", "actions": ["read", "write"]} for number in range(60)]

    await client.post(PATH, json=new("long"), headers=as_administrator)
    await somebody("long-already", roles=["long"], grants=many("a"))
    answer = await client.patch(f"{PATH}/long", json={"grants": many("b")}, headers=as_administrator)
    assert code_of(answer) == (422, "invalid_fields")
    account = {"client_id": "too-long", "roles": ["long"], "grants": many("a") + many("b")}
    answer = await client.post(ACCOUNTS, json=account, headers=as_administrator)
    assert code_of(answer) == (422, "invalid_fields")
