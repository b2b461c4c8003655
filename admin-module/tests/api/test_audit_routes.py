"""`/api/v1/audit`: delivering and searching entries."""

import itertools
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from artstore_kit.application import Application
from artstore_kit.contracts.audit import new_entry_id
from artstore_kit.contracts.paging import encode_cursor

PATH = "/api/v1/audit/entries"
MOMENTS_MS = itertools.count(time.time_ns() // 1_000_000)
type Headers = dict[str, str]


def entry(**told: object) -> dict[str, Any]:
    return {
        "entry_id": str(new_entry_id(next(MOMENTS_MS))),
        "service": "storage-element",
        "action": "file.create",
        **told,
    }


async def deliver(client: httpx.AsyncClient, headers: Headers, *entries: dict[str, Any]) -> httpx.Response:
    return await client.post(PATH, json={"entries": list(entries)}, headers=headers)


async def found(client: httpx.AsyncClient, headers: Headers, **filters: Any) -> list[str]:
    """The resources of what is found, in the order of the answer."""
    answer = await client.get(PATH, params=filters, headers=headers)
    assert answer.status_code == 200, answer.text
    return [item["entry"]["resource"] for item in answer.json()["items"]]


@pytest.fixture(scope="module")
async def as_teller(client: httpx.AsyncClient, as_administrator: Headers) -> Headers:
    """Headers of an account that may deliver entries, and nothing else."""
    return await headers_of(client, as_administrator, "teller", "audit:write")


@pytest.fixture(scope="module")
async def as_reader(client: httpx.AsyncClient, as_administrator: Headers) -> Headers:
    """Headers of an account that may read the log, and nothing else."""
    return await headers_of(client, as_administrator, "reader", "audit:read")


async def headers_of(client: httpx.AsyncClient, as_administrator: Headers, client_id: str, scope: str) -> Headers:
    new = {"client_id": client_id, "scopes": [scope], "grants": []}
    made = (await client.post("/api/v1/service-accounts", json=new, headers=as_administrator)).json()
    auth = httpx.BasicAuth(client_id, made["client_secret"])
    answer = await client.post("/api/v1/auth/token", data={"grant_type": "client_credentials"}, auth=auth)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_entries_are_taken_once(client: httpx.AsyncClient, as_teller: Headers, as_reader: Headers) -> None:
    first, second = entry(resource="file:once-1", detail={"size": 1}), entry(resource="file:once-2")
    answer = await deliver(client, as_teller, first, second)
    assert (answer.status_code, answer.json()) == (200, {"appended": 2, "known_before": 0})
    assert (await deliver(client, as_teller, second, first)).json() == {"appended": 0, "known_before": 2}
    item = (await client.get(PATH, params={"resource": "file:once-1"}, headers=as_reader)).json()["items"][0]
    assert (item["entry"]["entry_id"], item["entry"]["detail"]) == (first["entry_id"], {"size": 1})
    assert datetime.fromisoformat(item["recorded_at"]) <= datetime.now(UTC)


async def test_the_log_says_who_delivered_an_entry(
    client: httpx.AsyncClient, as_teller: Headers, as_reader: Headers
) -> None:
    """Whoever has stolen a service's secret may tell what they like of others, but not as somebody else."""
    forged = entry(resource="key:forged", action="key.export", actor="admin", client_id="artstore-login")
    await deliver(client, as_teller, forged)
    item = (await client.get(PATH, params={"resource": "key:forged"}, headers=as_reader)).json()["items"][0]
    assert (item["delivered_by"], item["entry"]["actor"]) == ("teller", "admin")
    leaf = (
        await client.get("/api/v1/audit/leaves", params={"start": item["index"], "limit": 1}, headers=as_reader)
    ).json()
    assert leaf["delivered_by"] == "teller"
    csv = (await client.get("/api/v1/audit/export?format=csv&resource=key:forged", headers=as_reader)).text
    assert csv.splitlines()[1].split(",")[3] == '"teller"'
    own = (await client.get(PATH, params={"action": "account.create"}, headers=as_reader)).json()["items"][0]
    assert (own["delivered_by"], own["entry"]["service"]) == ("", "admin-module")


@pytest.mark.parametrize(
    "odd", ["1", "{}", "null", '"\\ud800"', "DETAIL:NaN", 'DETAIL:"\\ud800"', "DETAIL:[[[[[[[[[1]]]]]]]]]"]
)
async def test_what_is_json_but_no_entry_is_refused_as_that(
    client: httpx.AsyncClient, as_teller: Headers, odd: str
) -> None:
    """By that a service knows that it must look for it, and set it aside."""
    detail = json.dumps(entry(detail={"odd": 7}))
    odd = detail.replace("7}", f"{odd.removeprefix('DETAIL:')}}}") if odd.startswith("DETAIL:") else odd
    body = f'{{"entries":[{json.dumps(entry())},{odd}]}}'
    headers = {**as_teller, "Content-Type": "application/json"}
    answer = await client.post(PATH, content=body.encode(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


async def test_nobody_else_speaks_for_the_admin_module(client: httpx.AsyncClient, as_teller: Headers) -> None:
    answer = await deliver(client, as_teller, entry(), entry(service="admin-module", action="role.change"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert [problem["field"] for problem in answer.json()["errors"]] == ["body.entries.1.service"]


async def test_an_entry_that_is_told_otherwise_is_told_of(
    client: httpx.AsyncClient, as_teller: Headers, as_reader: Headers
) -> None:
    """Who knows an id beforehand could be the first to use it; the true entry then must not vanish in silence."""
    first = entry(resource="file:first")
    await deliver(client, as_teller, first)
    answer = await deliver(client, as_teller, {**first, "resource": "file:other"})
    assert answer.json() == {"appended": 0, "known_before": 1}
    assert await found(client, as_reader, resource="file:other") == []
    contradicted: dict[str, Any] = {"action": "audit.contradict", "limit": 1}
    item = (await client.get(PATH, params=contradicted, headers=as_reader)).json()["items"][0]
    assert (item["entry"]["actor"], item["entry"]["code"]) == ("teller", "entry_contradicted")
    assert item["entry"]["detail"] == {"entries": 1, "first": first["entry_id"]}
    await deliver(client, as_teller, first)
    assert len((await client.get(PATH, params={**contradicted, "limit": 9}, headers=as_reader)).json()["items"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"entry_id": str(uuid4())},
        {"entry_id": str(new_entry_id(0))},
        {"entry_id": str(new_entry_id(2**47))},
        {"entry_id": "x"},
        {"action": "create"},
        {"outcome": "maybe"},
        {"actor": "a\x00b"},
        {"resource": "x" * 257},
        {"detail": {"a": "x" * 5000}},
        {"detail": {str(number): 1 for number in range(33)}},
        {"unknown": 1},
    ],
)
async def test_entries_that_are_wrong(client: httpx.AsyncClient, as_teller: Headers, wrong: dict[str, object]) -> None:
    good = entry(resource="file:beside-wrong")
    answer = await deliver(client, as_teller, good, entry(**wrong))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert all(problem["field"].startswith("body.entries.1") for problem in answer.json()["errors"])
    assert (await deliver(client, as_teller, good)).json()["appended"] == 1


@pytest.mark.parametrize("text", ["NaN", "Infinity", '"\\ud800"', "[" * 100 + "]" * 100])
async def test_details_that_are_no_plain_json(client: httpx.AsyncClient, as_teller: Headers, text: str) -> None:
    told = json.dumps(entry(detail={"a": "here"})).replace('"here"', text)
    body = f'{{"entries": [{told}]}}'
    answer = await client.post(PATH, content=body, headers={**as_teller, "Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


async def test_a_batch_has_entries_and_not_too_many(client: httpx.AsyncClient, as_teller: Headers) -> None:
    for entries in ([], [entry() for _ in range(1001)]):
        answer = await deliver(client, as_teller, *entries)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


async def test_who_may_not(client: httpx.AsyncClient, as_teller: Headers, as_reader: Headers) -> None:
    for answer in (
        await deliver(client, as_reader, entry()),
        await client.get(PATH, headers=as_teller),
        await client.get("/api/v1/audit/export", headers=as_teller),
        await client.get("/api/v1/audit/leaves", headers=as_teller),
        await client.get("/api/v1/audit/proofs/inclusion", params={"index": 0}, headers=as_teller),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize("path", [PATH, "/api/v1/audit/export"])
def test_a_filter_may_be_as_long_as_what_it_finds(app: Application, path: str) -> None:
    schema = app.openapi()
    fields = schema["components"]["schemas"]["AuditEntry"]["properties"]
    asked = {each["name"]: each["schema"] for each in schema["paths"][path]["get"]["parameters"]}
    limits = {name: limit for name in asked if (limit := fields.get(name, {}).get("maxLength"))}
    assert {"actor", "client_id", "acting_for", "action", "resource", "service"} == set(limits)
    assert {name: asked[name]["maxLength"] for name in limits} == limits


async def test_filters(client: httpx.AsyncClient, as_teller: Headers, as_reader: Headers) -> None:
    told = [
        {"actor": "eva", "client_id": "eva", "action": "file.read", "service": "query-module"},
        {"actor": "query-module", "acting_for": "eva", "action": "file.read", "outcome": "refused", "code": "x"},
        {"actor": "eva", "client_id": "login", "action": "key.rotate", "outcome": "failed"},
        {"actor": "adam", "action": "file_set.read"},
    ]
    await deliver(client, as_teller, *(entry(resource=f"f:{n}", **each) for n, each in enumerate(told)))
    for filters, expected in (
        ({"actor": "eva"}, ["f:2", "f:0"]),
        ({"acting_for": "eva"}, ["f:1"]),
        ({"client_id": "login"}, ["f:2"]),
        ({"action": "file.", "actor": "eva"}, ["f:0"]),
        ({"action": "file.read"}, ["f:1", "f:0"]),
        ({"action": "key.", "actor": "eva"}, ["f:2"]),
        ({"action": "file_", "actor": "adam"}, []),
        ({"action": "file_set.", "actor": "adam"}, ["f:3"]),
        ({"outcome": "failed", "actor": "eva"}, ["f:2"]),
        ({"service": "query-module"}, ["f:0"]),
        ({"resource": "f:3"}, ["f:3"]),
        ({"actor": "nobody"}, []),
    ):
        assert await found(client, as_reader, **filters) == expected, filters


async def test_times(client: httpx.AsyncClient, as_teller: Headers, as_reader: Headers) -> None:
    """Across months; from the first moment, and without the last."""
    moments = [datetime(2024, month, 1, tzinfo=UTC) for month in (1, 2, 3)]
    for number, moment in enumerate(moments):
        entry_id = str(new_entry_id(int(moment.timestamp() * 1000)))
        await deliver(client, as_teller, entry(entry_id=entry_id, resource=f"t:{number}", actor="timed"))
    for since, until, expected in (
        (moments[0], moments[2], ["t:1", "t:0"]),
        (moments[1], None, ["t:2", "t:1"]),
        (None, moments[1], ["t:0"]),
        (moments[1] + timedelta(milliseconds=1), moments[2], []),
    ):
        limits = {"from": since, "until": until}
        given = {name: moment.isoformat() for name, moment in limits.items() if moment}
        assert await found(client, as_reader, actor="timed", **given) == expected


async def test_pages_hold_every_entry_once(client: httpx.AsyncClient, as_teller: Headers, as_reader: Headers) -> None:
    await deliver(client, as_teller, *(entry(actor="paged", resource=f"p:{number}") for number in range(5)))
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"actor": "paged", "limit": "2", "cursor": cursor}
        answer = (await client.get(PATH, params=query, headers=as_reader)).json()
        pages.append([item["entry"]["resource"] for item in answer["items"]])
        cursor = answer["next_cursor"]
    resources = [resource for page in pages for resource in page]
    assert sorted(resources) == [f"p:{number}" for number in range(5)]
    assert [len(page) for page in pages] == [2, 2, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "File"},
        {"outcome": "maybe"},
        {"from": "yesterday"},
        {"from": "2024-01-01T00:00:00"},
        {"actor": "a\x00"},
        {"actor": "x" * 65},
        {"limit": 0},
        {"limit": 1001},
    ],
)
async def test_filters_that_are_wrong(client: httpx.AsyncClient, as_reader: Headers, wrong: dict[str, Any]) -> None:
    answer = await client.get(PATH, params=wrong, headers=as_reader)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


@pytest.mark.parametrize("path", [PATH, "/api/v1/audit/export"])
async def test_a_filter_that_does_not_exist_does_not_find_everything(
    client: httpx.AsyncClient, as_reader: Headers, path: str
) -> None:
    answer = await client.get(path, params={"actr": "admin", "action": "file."}, headers=as_reader)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert [problem["field"] for problem in answer.json()["errors"]] == ["query.actr"]


async def test_a_filter_is_given_once(client: httpx.AsyncClient, as_reader: Headers) -> None:
    answer = await client.get(f"{PATH}?actor=ada&actor=bob", headers=as_reader)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


@pytest.mark.parametrize("cursor", ["x", encode_cursor(1, 2), encode_cursor("no-uuid"), encode_cursor(None)])
async def test_cursors_of_others(client: httpx.AsyncClient, as_reader: Headers, cursor: str) -> None:
    answer = await client.get(PATH, params={"cursor": cursor}, headers=as_reader)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
