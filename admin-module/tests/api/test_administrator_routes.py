"""`/api/v1/administrators` and `/api/v1/auth/sessions`."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from artstore_kit.contracts.identity import ACTING_FOR_HEADER
from artstore_kit.contracts.paging import encode_cursor
from artstore_kit.testing.patience import eventually

PATH, AUTH = "/api/v1/administrators", "/api/v1/auth"
CHOSEN = "seven otters juggle lanterns"
NO_SESSION = "A" * 22
type Headers = dict[str, str]
type Person = Callable[..., Awaitable[Headers]]


@pytest.fixture
def person(client: httpx.AsyncClient, as_administrator: Headers) -> Person:
    """Makes an administrator with these roles, who has chosen a password and logged in; their headers."""

    async def make(username: str, *roles: str) -> Headers:
        made = await create(client, as_administrator, username, roles=roles)
        first = made.raise_for_status().json()["temporary_password"]
        change = {"username": username, "old_password": first, "new_password": CHOSEN}
        (await client.post(f"{AUTH}/password", json=change)).raise_for_status()
        return await headers_of(client, username)

    return make


async def create(client: httpx.AsyncClient, headers: Headers, username: str, **more: object) -> httpx.Response:
    return await client.post(PATH, json={"username": username, **more}, headers=headers)


async def login(client: httpx.AsyncClient, username: str, password: str = CHOSEN) -> httpx.Response:
    return await client.post(f"{AUTH}/login", json={"username": username, "password": password})


async def headers_of(client: httpx.AsyncClient, username: str) -> Headers:
    return {"Authorization": f"Bearer {(await login(client, username)).raise_for_status().json()['access_token']}"}


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_somebody_is_made_and_must_choose_a_password(
    client: httpx.AsyncClient, as_administrator: Headers
) -> None:
    about = {"display_name": "Grace Hopper", "email": "grace@example.org", "roles": ["readonly", "auditor"]}
    made = await create(client, as_administrator, "grace", **about)
    assert (made.status_code, made.headers["location"], made.headers["etag"]) == (201, f"{PATH}/grace", '"r1"')
    assert made.headers["cache-control"] == "no-store"
    someone = made.json()
    password = someone.pop("temporary_password")
    assert len(password) == 20
    assert someone == {
        **about,
        "username": "grace",
        "roles": ["auditor", "readonly"],
        "suspended": False,
        "must_change_password": True,
        "totp_enabled": False,
        "locked_until": None,
        "created_at": someone["created_at"],
        "last_login_at": None,
        "revision": 1,
    }
    assert told(await login(client, "grace", password)) == (403, "password_change_required")
    assert (await client.get(f"{PATH}/grace", headers=as_administrator)).json() == someone
    for path in (f"{PATH}/grace", PATH, "/metrics"):
        assert password not in (await client.get(path, headers=as_administrator)).text


async def test_a_password_that_is_given_is_temporary_too(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    made = await create(client, as_administrator, "given", password="eleven geese parade quietly")
    assert made.json()["temporary_password"] is None
    assert told(await login(client, "given", "eleven geese parade quietly")) == (403, "password_change_required")
    weak = await create(client, as_administrator, "given2", password="password1234")
    assert told(weak) == (422, "weak_password")


async def test_a_name_is_taken_once(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    """By a person or by a program."""
    for taken in ("admin", "query-module"):
        assert told(await create(client, as_administrator, taken)) == (409, "account_exists")


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "A"},
        {"username": "a b"},
        {"username": None},
        {"display_name": "a\x00b"},
        {"display_name": "x" * 201},
        {"email": "nobody"},
        {"email": "a b@example.org"},
        {"roles": ["No Role"]},
        {"roles": ["no-such-role"]},
        {"password": ""},
        {"suspended": True},
    ],
)
async def test_people_who_are_wrong(client: httpx.AsyncClient, as_administrator: Headers, wrong: Headers) -> None:
    answer = await client.post(PATH, json={"username": "wrong"} | wrong, headers=as_administrator)
    assert told(answer) == (422, "invalid_fields")


async def test_rights_are_those_of_the_roles(client: httpx.AsyncClient, person: Person) -> None:
    reader = await person("reader", "readonly")
    assert (await client.get(PATH, headers=reader)).status_code == 200
    for method, path in [
        ("POST", PATH),
        ("PATCH", f"{PATH}/admin"),
        ("DELETE", f"{PATH}/admin"),
        ("POST", f"{PATH}/admin/suspend"),
        ("POST", f"{PATH}/admin/activate"),
        ("POST", f"{PATH}/admin/unlock"),
        ("POST", f"{PATH}/admin/reset-password"),
        ("POST", f"{PATH}/admin/reset-totp"),
        ("DELETE", f"{PATH}/admin/sessions"),
        ("DELETE", f"{PATH}/admin/sessions/{NO_SESSION}"),
    ]:
        assert told(await client.request(method, path, json={"username": "xx"}, headers=reader)) == (
            403,
            "scope_missing",
        )
    nobody = await person("nobody-at-all")
    assert told(await client.get(PATH, headers=nobody)) == (403, "scope_missing")


async def test_nobody_gives_what_they_do_not_hold(client: httpx.AsyncClient, person: Person) -> None:
    lesser = await person("lesser", "admin")
    assert (await create(client, lesser, "lesser-made", roles=["admin", "readonly"])).status_code == 201
    assert told(await create(client, lesser, "lesser-2", roles=["super_admin"])) == (403, "scope_missing")
    more = await client.patch(f"{PATH}/lesser-made", json={"roles": ["super_admin"]}, headers=lesser)
    assert told(more) == (403, "scope_missing")
    own = await client.patch(f"{PATH}/lesser", json={"roles": ["super_admin"]}, headers=lesser)
    assert told(own) == (403, "scope_missing")


async def test_nobody_manages_who_holds_more(client: httpx.AsyncClient, person: Person) -> None:
    lesser = await person("underling", "admin")
    for method, path in [
        ("PATCH", f"{PATH}/admin"),
        ("DELETE", f"{PATH}/admin"),
        ("POST", f"{PATH}/admin/suspend"),
        ("POST", f"{PATH}/admin/activate"),
        ("POST", f"{PATH}/admin/unlock"),
        ("POST", f"{PATH}/admin/reset-password"),
        ("POST", f"{PATH}/admin/reset-totp"),
        ("DELETE", f"{PATH}/admin/sessions"),
        ("DELETE", f"{PATH}/admin/sessions/{NO_SESSION}"),
    ]:
        assert told(await client.request(method, path, json={}, headers=lesser)) == (403, "holds_more"), path


async def test_nobody_does_it_to_themselves(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    deeds = ("suspend", "activate", "reset-password", "reset-totp")
    for method, path in [("DELETE", ""), *(("POST", f"/{deed}") for deed in deeds)]:
        answer = await client.request(method, f"{PATH}/admin{path}", headers=as_administrator)
        assert told(answer) == (409, "own_account")
        pretending = {**as_administrator, ACTING_FOR_HEADER: "somebody"}
        answer = await client.request(method, f"{PATH}/admin{path}", headers=pretending)
        assert told(answer) == (403, "scope_missing")


@pytest.mark.parametrize("name", ["artstore-login", "admin-module"])
async def test_nobody_is_taken_for_artstore_itself(
    client: httpx.AsyncClient, as_administrator: Headers, name: str
) -> None:
    for path, field in ((PATH, "username"), ("/api/v1/service-accounts", "client_id")):
        answer = await client.post(path, json={field: name}, headers=as_administrator)
        assert told(answer) == (422, "invalid_fields")
        assert "stands for ArtStore itself" in answer.text


async def test_one_super_admin_remains(client: httpx.AsyncClient, as_administrator: Headers, person: Person) -> None:
    less = await client.patch(f"{PATH}/admin", json={"roles": ["readonly"]}, headers=as_administrator)
    assert told(less) == (409, "last_super_admin")
    second = await person("second", "super_admin")
    assert (await client.post(f"{PATH}/second/suspend", headers=as_administrator)).status_code == 204
    less = await client.patch(f"{PATH}/admin", json={"roles": ["readonly"]}, headers=as_administrator)
    assert told(less) == (409, "last_super_admin")
    assert second


async def test_a_change_sets_what_is_named(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    await create(client, as_administrator, "changed", display_name="Before", roles=["readonly"])
    for changes in ({"display_name": "After"}, {"email": "a@example.org"}, {"roles": ["auditor"]}, {}):
        answer = await client.patch(f"{PATH}/changed", json=changes, headers=as_administrator)
        assert answer.status_code == 200
    shown = answer.json()
    assert (shown["display_name"], shown["email"], shown["roles"]) == ("After", "a@example.org", ["auditor"])
    wrong = await client.patch(f"{PATH}/changed", json={"username": "other"}, headers=as_administrator)
    assert told(wrong) == (422, "invalid_fields")


async def test_a_change_in_between_is_not_overwritten(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    await create(client, as_administrator, "guarded", display_name="Before", roles=["readonly"])
    path, first = f"{PATH}/guarded", {**as_administrator, "If-Match": '"r1"'}
    answer = await client.patch(path, json={"roles": ["auditor"]}, headers=first)
    assert (answer.status_code, answer.headers["etag"], answer.json()["revision"]) == (200, '"r2"', 2)
    assert told(await client.patch(path, json={"display_name": "After"}, headers=first)) == (412, "revision_mismatch")
    shown = await client.get(path, headers=as_administrator)
    assert (shown.json(), shown.headers["etag"]) == (answer.json(), '"r2"')
    for tags in ('"r1", "r2"', "*"):
        again = await client.patch(path, json={"email": ""}, headers={**as_administrator, "If-Match": tags})
        assert again.status_code == 200


@pytest.mark.parametrize("deed", ["suspend", "activate", "reset-password"])
async def test_whatever_administrators_do_is_a_revision(
    client: httpx.AsyncClient, as_administrator: Headers, deed: str
) -> None:
    name = f"revised-{deed}"
    await create(client, as_administrator, name)
    assert (await client.post(f"{PATH}/{name}/{deed}", headers=as_administrator)).is_success
    stale = await client.patch(f"{PATH}/{name}", json={}, headers={**as_administrator, "If-Match": '"r1"'})
    assert told(stale) == (412, "revision_mismatch")


async def test_what_people_do_themselves_is_none(
    client: httpx.AsyncClient, as_administrator: Headers, person: Person
) -> None:
    """A login or a new password in between is nothing that a change could overwrite."""
    await person("self-made", "readonly")
    headers = {**as_administrator, "If-Match": '"r1"'}
    assert (await client.patch(f"{PATH}/self-made", json={"roles": []}, headers=headers)).status_code == 200


async def refuses(client: httpx.AsyncClient, headers: Headers) -> None:
    async def refused() -> bool:
        return (await client.get(f"{AUTH}/sessions", headers=headers)).status_code == 401

    await eventually(refused)


async def test_other_roles_end_the_tokens_of_the_former_ones(
    client: httpx.AsyncClient, as_administrator: Headers, person: Person
) -> None:
    demoted = await person("demoted", "admin")
    await client.patch(f"{PATH}/demoted", json={"roles": ["readonly"]}, headers=as_administrator)
    await refuses(client, demoted)
    assert told(await create(client, await headers_of(client, "demoted"), "xx")) == (403, "scope_missing")


async def test_the_suspended_stay_out_until_they_are_activated(
    client: httpx.AsyncClient, as_administrator: Headers, person: Person
) -> None:
    headers = await person("rested", "readonly")
    assert (await client.post(f"{PATH}/rested/suspend", headers=as_administrator)).status_code == 204
    await refuses(client, headers)
    assert told(await login(client, "rested")) == (403, "account_suspended")
    assert (await client.post(f"{PATH}/rested/activate", headers=as_administrator)).status_code == 204
    assert (await login(client, "rested")).status_code == 200


async def test_the_removed_are_gone(client: httpx.AsyncClient, as_administrator: Headers, person: Person) -> None:
    headers = await person("removed", "super_admin")
    assert (await client.delete(f"{PATH}/removed", headers=as_administrator)).status_code == 204
    await refuses(client, headers)
    assert told(await login(client, "removed")) == (401, "bad_credentials")
    assert told(await client.delete(f"{PATH}/removed", headers=as_administrator)) == (404, "administrator_unknown")
    assert told(await client.get(f"{PATH}/removed", headers=as_administrator)) == (404, "administrator_unknown")


async def test_a_lock_is_seen_and_taken_away(
    client: httpx.AsyncClient, as_administrator: Headers, person: Person
) -> None:
    await person("forgetful", "readonly")
    for _ in range(5):
        await login(client, "forgetful", "wrong")
    assert told(await login(client, "forgetful")) == (403, "account_locked")
    assert (await client.get(f"{PATH}/forgetful", headers=as_administrator)).json()["locked_until"]
    assert (await client.post(f"{PATH}/forgetful/unlock", headers=as_administrator)).status_code == 204
    assert (await client.get(f"{PATH}/forgetful", headers=as_administrator)).json()["locked_until"] is None
    assert (await login(client, "forgetful")).status_code == 200


async def test_a_forgotten_password_is_replaced(
    client: httpx.AsyncClient, as_administrator: Headers, person: Person
) -> None:
    headers = await person("lost", "readonly")
    answer = await client.post(f"{PATH}/lost/reset-password", headers=as_administrator)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    await refuses(client, headers)
    assert told(await login(client, "lost")) == (401, "bad_credentials")
    password = answer.json()["temporary_password"]
    assert told(await login(client, "lost", password)) == (403, "password_change_required")


async def test_lists_by_role_state_and_words(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    await create(client, as_administrator, "list-1", display_name="Ёлка 100%", roles=["operator"])
    await create(client, as_administrator, "list-2", email="list@example.org", roles=["operator", "auditor"])
    await client.post(f"{PATH}/list-2/suspend", headers=as_administrator)
    for asked, found in [
        ({"role": "operator"}, ["list-1", "list-2"]),
        ({"role": "operator", "suspended": "true"}, ["list-2"]),
        ({"role": "operator", "suspended": "false"}, ["list-1"]),
        ({"text": "LIST-"}, ["list-1", "list-2"]),
        ({"text": "ёлка"}, ["list-1"]),
        ({"text": "0%"}, ["list-1"]),
        ({"text": "%"}, ["list-1"]),
        ({"text": "@EXAMPLE", "role": "auditor", "suspended": "true"}, ["list-2"]),
        ({"role": "nobodys-role"}, []),
    ]:
        answer = await client.get(PATH, params=asked, headers=as_administrator)
        assert [each["username"] for each in answer.json()["items"]] == found, asked


async def test_pages_hold_everybody_once(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    whole = [each["username"] for each in (await client.get(PATH, headers=as_administrator)).json()["items"]]
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get(PATH, params={"limit": 2, "cursor": cursor}, headers=as_administrator)).json()
        names += [each["username"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert names == whole == sorted(set(names))


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"limit": "0"}, (422, "invalid_fields")),
        ({"role": "No Role"}, (422, "invalid_fields")),
        ({"suspended": "maybe"}, (422, "invalid_fields")),
        ({"text": "a\x00"}, (422, "invalid_fields")),
        ({"cursor": "x"}, (400, "bad_cursor")),
        ({"cursor": encode_cursor("a\x00")}, (400, "bad_cursor")),
    ],
)
async def test_lists_that_cannot_be(
    client: httpx.AsyncClient, as_administrator: Headers, asked: Headers, refusal: tuple[int, str]
) -> None:
    assert told(await client.get(PATH, params=asked, headers=as_administrator)) == refusal


async def test_own_sessions_are_shown_and_ended(client: httpx.AsyncClient, person: Person) -> None:
    headers = await person("wanderer")
    phone = await client.post(
        f"{AUTH}/login", json={"username": "wanderer", "password": CHOSEN}, headers={"User-Agent": "Phone"}
    )
    shown = (await client.get(f"{AUTH}/sessions", headers=headers)).json()["items"]
    assert {each["username"] for each in shown} == {"wanderer"}
    (lost,) = [each["session_id"] for each in shown if each["user_agent"] == "Phone"]
    assert (await client.delete(f"{AUTH}/sessions/{lost}", headers=headers)).status_code == 204
    refreshed = await client.post(f"{AUTH}/refresh", json={"refresh_token": phone.json()["refresh_token"]})
    assert told(refreshed) == (401, "session_ended")
    assert told(await client.delete(f"{AUTH}/sessions/{lost}", headers=headers)) == (404, "session_unknown")
    wrong = await client.delete(f"{AUTH}/sessions/x", headers=headers)
    assert told(wrong) == (422, "invalid_fields")
    assert told(await client.get(f"{AUTH}/sessions")) == (401, "not_authenticated")


async def test_sessions_of_others_are_shown_and_ended(
    client: httpx.AsyncClient, as_administrator: Headers, person: Person
) -> None:
    headers = await person("watched")
    await headers_of(client, "watched")
    path = f"{PATH}/watched/sessions"
    first, second = (await client.get(path, headers=as_administrator)).json()["items"]
    assert (await client.delete(f"{path}/{first['session_id']}", headers=as_administrator)).status_code == 204
    left = (await client.get(path, headers=as_administrator)).json()["items"]
    assert left == [second]
    again = await client.delete(f"{path}/{first['session_id']}", headers=as_administrator)
    assert told(again) == (404, "session_unknown")
    assert (await client.delete(path, headers=as_administrator)).status_code == 204
    await refuses(client, headers)
    unknown = await client.get(f"{PATH}/nobody-known/sessions", headers=as_administrator)
    assert told(unknown) == (404, "administrator_unknown")
