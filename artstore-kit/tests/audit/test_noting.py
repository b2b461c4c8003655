"""What the frame tells of requests: one entry each, with who, what and what came of it, and never a secret."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter

from artstore_kit.application import Application, build_app, needs
from artstore_kit.audit.declared import WITH_ITS_EFFECT, Audited
from artstore_kit.audit.noting import Noting, fresh_id, plain
from artstore_kit.audit.outgoing import Outgoing
from artstore_kit.audit.spool import Spool
from artstore_kit.audit.strangers import ALONE
from artstore_kit.contracts.audit import AuditEntry, AuditOutcome
from artstore_kit.contracts.errors import FileUnknown, StorageFault
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, ACTING_FROM_HEADER, Action, Grant, Scope
from artstore_kit.exchange import ByteRoute, Exchange
from artstore_kit.noted import begin, noted
from artstore_kit.principal import Principal
from artstore_kit.rights import PUBLIC, Rights
from artstore_kit.settings import ServerSettings, ServiceSettings
from artstore_kit.tally import Tally
from artstore_kit.testing.application import open_client
from artstore_kit.testing.tokens import TokenMint

FILE = "0190b3c0-0000-7000-8000-000000000000"
ROUNDS = 2000
AUDITED = {
    "GET /api/v1/notes/{note_id}": Audited("file.read", "file:{note_id}"),
    "PUT /api/v1/notes/{note_id}": Audited("file.change", "file:{note_id}", untold=WITH_ITS_EFFECT),
    "GET /api/v1/files/{file_id}": Audited("file.read", "file:{file_id}", by_front=True),
    "POST /api/v1/login": Audited("administrator.login"),
}
Reading = Annotated[Principal, needs(Scope.FILES_READ)]

type Entries = Callable[[], list[AuditEntry]]


def router() -> APIRouter:
    routes = APIRouter()

    @routes.get("/notes/{note_id}")
    async def read(note_id: str, who: Reading) -> str:
        who.require_grant(Action.READ, "contracts")
        if note_id == "broken":
            raise StorageFault
        return note_id

    @routes.put("/notes/{note_id}")
    async def change(note_id: str, number: int, who: Reading) -> int:
        return number

    @routes.post("/login", openapi_extra=PUBLIC)
    async def login() -> str:
        noted().resource = "administrator:alice"
        return "welcome"

    @routes.get("/unheard-of", openapi_extra=PUBLIC)
    async def silent() -> str:
        return ""

    return routes


async def content(exchange: Exchange[Any]) -> None:
    who = await exchange.authenticate()
    who.require_grant(Action.READ, "contracts")
    if exchange.params["file_id"] != FILE:
        raise FileUnknown
    await exchange.start(200, [("content-length", "10")])
    await exchange.write(b"12345")
    await exchange.write(b"67890", more=False)


@pytest.fixture
def spool(open_spool: Callable[..., Spool]) -> Spool:
    return open_spool(limit_bytes=2**24)


@pytest.fixture
def entries(spool: Spool) -> Entries:
    return lambda: [AuditEntry.model_validate_json(line) for line in Outgoing(spool).piece(spool.extents()).lines]


@pytest.fixture
def app(mint: TokenMint, spool: Spool) -> Application:
    @asynccontextmanager
    async def opened(_: object) -> AsyncIterator[Spool]:
        yield spool

    return build_app(
        "query-module",
        settings=ServiceSettings(server=ServerSettings(port=0), tokens=mint.settings()),
        open_services=opened,
        routers=[router()],
        byte_routes=[ByteRoute(["GET"], "/api/v1/files/{file_id}", content, {}, Rights((Scope.FILES_READ,)))],
        checks=lambda _: [],
        issuer=lambda _: mint,
        spool=lambda each: each,
        audited=AUDITED,
    )


@pytest.fixture
async def client(app: Application, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(app, mint.bearer("alice"), raise_app_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("path", [f"/api/v1/notes/{FILE}", f"/api/v1/files/{FILE}"])
async def test_an_access_is_one_entry(client: httpx.AsyncClient, entries: Entries, path: str) -> None:
    answer = await client.get(path, headers={"X-Request-ID": "one-request"})
    assert answer.status_code == 200
    (told,) = entries()
    assert told == AuditEntry(
        entry_id=told.entry_id,
        service="query-module",
        node="one",
        actor="alice",
        client_id="alice",
        action="file.read",
        resource=f"file:{FILE}",
        request_id="one-request",
        address="127.0.0.1",
        detail={"collection": "contracts"},
    )


@pytest.mark.parametrize("path", [f"/api/v1/notes/{FILE}", f"/api/v1/files/{FILE}"])
async def test_who_has_no_token_has_no_name(client: httpx.AsyncClient, entries: Entries, path: str) -> None:
    client.headers["Authorization"] = "Bearer not.a.token"
    assert (await client.get(path)).status_code == 401
    (told,) = entries()
    assert (told.actor, told.outcome, told.code) == ("", AuditOutcome.REFUSED, "not_authenticated")
    assert told.resource == f"file:{FILE}"


async def test_a_service_that_stops_tells_how_often_strangers_were_refused(app: Application, entries: Entries) -> None:
    async with open_client(app, {"Authorization": "Bearer not.a.token"}) as stranger:
        for path in ("notes", "files") * ALONE:
            assert (await stranger.get(f"/api/v1/{path}/{FILE}")).status_code == 401
        assert len(entries()) == ALONE
    assert (entries()[-1].action, entries()[-1].detail["refusals"]) == ("request.refuse", ALONE)


@pytest.mark.parametrize("path", [f"/api/v1/notes/{FILE}", f"/api/v1/files/{FILE}"])
async def test_who_lacks_a_right_is_named(
    client: httpx.AsyncClient, entries: Entries, mint: TokenMint, path: str
) -> None:
    client.headers.update(mint.bearer("bob", scopes=[Scope.AUDIT_READ]))
    assert (await client.get(path)).status_code == 403
    grants = [Grant(collection="hr", actions=frozenset(Action))]
    client.headers["Authorization"] = f"Bearer {mint.mint('bob', grants=grants)}"
    assert (await client.get(path)).status_code == 403
    assert [(told.actor, told.code) for told in entries()] == [("bob", "scope_missing"), ("bob", "grant_missing")]


@pytest.mark.parametrize(
    ("path", "outcome", "code"),
    [
        ("/api/v1/notes/broken", AuditOutcome.FAILED, "storage_fault"),
        ("/api/v1/files/other", AuditOutcome.REFUSED, "file_unknown"),
    ],
)
async def test_what_came_of_it_is_told(
    client: httpx.AsyncClient, entries: Entries, path: str, outcome: AuditOutcome, code: str
) -> None:
    await client.get(path)
    (told,) = entries()
    assert (told.outcome, told.code) == (outcome, code)


async def test_a_change_is_told_by_its_effect_and_its_refusal_by_the_frame(
    client: httpx.AsyncClient, entries: Entries
) -> None:
    assert (await client.put(f"/api/v1/notes/{FILE}", params={"number": 1})).status_code == 200
    assert entries() == []
    assert (await client.put(f"/api/v1/notes/{FILE}", params={"number": "many"})).status_code == 422
    (told,) = entries()
    assert (told.action, told.code) == ("file.change", "invalid_fields")


async def test_what_is_not_declared_leaves_no_entry(client: httpx.AsyncClient, entries: Entries) -> None:
    for path in ("/api/v1/unheard-of", "/health/live", "/metrics", "/nowhere", "/api/v1/nowhere"):
        await client.get(path)
    assert entries() == []


async def test_whom_one_acts_for_is_believed_with_the_scope_alone(
    client: httpx.AsyncClient, entries: Entries, mint: TokenMint
) -> None:
    await client.get(f"/api/v1/notes/{FILE}", headers={ACTING_FOR_HEADER: "carol"})
    client.headers.update(mint.bearer("mallory", scopes=[Scope.FILES_READ]))
    assert (await client.get(f"/api/v1/notes/{FILE}", headers={ACTING_FOR_HEADER: "carol"})).status_code == 403
    first, second = entries()
    assert (first.actor, first.acting_for, first.outcome) == ("alice", "carol", AuditOutcome.DONE)
    assert (second.actor, second.acting_for, second.code) == ("mallory", "", "scope_missing")


@pytest.mark.parametrize(
    ("name", "status"), [("c" * 255, 200), ("c" * 256, 400), ("caf\u00e9", 200), ("c\x7f", 400), ("c\x85", 400)]
)
async def test_whom_no_entry_could_name_nobody_acts_for(
    client: httpx.AsyncClient, entries: Entries, name: str, status: int
) -> None:
    odd = [*client.headers.raw, (ACTING_FOR_HEADER.encode(), name.encode("latin-1"))]
    answers = [await client.get(f"/api/v1/{path}/{FILE}", headers=odd) for path in ("notes", "files")]
    assert [answer.status_code for answer in answers] == [status, status]
    told = [(each.actor, each.acting_for, each.code) for each in entries()]
    # What was allowed at the second address is told by whoever acts for somebody.
    assert told == ([("alice", name, "")] if status == 200 else [("alice", "", "bad_request")] * 2)


@pytest.mark.parametrize(
    ("said", "address"),
    [("198.51.100.7", "198.51.100.7"), ("2001:db8::7", "2001:db8::7"), ("nowhere", "127.0.0.1"), ("", "127.0.0.1")],
)
async def test_from_where_they_asked_for_whom_one_acts_is_believed_too(
    client: httpx.AsyncClient, entries: Entries, said: str, address: str
) -> None:
    headers = {ACTING_FOR_HEADER: "carol", ACTING_FROM_HEADER: said}
    await client.get(f"/api/v1/notes/{FILE}", headers=headers)
    (told,) = entries()
    assert told.address == address
    assert told.detail.get("peer") == ("127.0.0.1" if address != "127.0.0.1" else None)


async def test_from_where_is_believed_of_nobody_else(
    client: httpx.AsyncClient, entries: Entries, mint: TokenMint
) -> None:
    forged = {ACTING_FROM_HEADER: "198.51.100.7"}
    await client.get(f"/api/v1/notes/{FILE}", headers=forged)
    client.headers.update(mint.bearer("mallory", scopes=[Scope.FILES_READ]))
    await client.get(f"/api/v1/notes/{FILE}", headers=forged)
    await client.get(f"/api/v1/notes/{FILE}", headers={ACTING_FOR_HEADER: "carol", **forged})
    client.headers["Authorization"] = "Bearer not.a.token"
    await client.get(f"/api/v1/notes/{FILE}", headers={ACTING_FOR_HEADER: "carol", **forged})
    assert [told.address for told in entries()] == ["127.0.0.1"] * 4


async def test_behind_a_service_that_tells_it_itself_there_is_no_second_entry(
    client: httpx.AsyncClient, entries: Entries, mint: TokenMint
) -> None:
    for path in (f"/api/v1/files/{FILE}", "/api/v1/files/other"):
        await client.get(path, headers={ACTING_FOR_HEADER: "carol"})
    assert entries() == []
    client.headers.update(mint.bearer("mallory", scopes=[Scope.FILES_READ]))
    await client.get(f"/api/v1/files/{FILE}", headers={ACTING_FOR_HEADER: "carol"})
    assert [told.actor for told in entries()] == ["mallory"]


async def test_a_handler_can_say_what_the_address_does_not(client: httpx.AsyncClient, entries: Entries) -> None:
    await client.post("/api/v1/login")
    (told,) = entries()
    assert (told.resource, told.actor) == ("administrator:alice", "")


@pytest.mark.parametrize(
    "headers",
    [
        {ACTING_FOR_HEADER: "x" * 5000},
        {ACTING_FOR_HEADER: b"\xff\x01\xc3\x28".decode("latin-1")},
        {ACTING_FOR_HEADER: "\u00e9\u0085\u2028".encode("utf-8").decode("latin-1")},
        {"X-Request-ID": "y" * 5000},
        {"X-Request-ID": "one two\tthree"},
        {"X-Forwarded-For": "10.9.8.7", "Forwarded": "for=10.9.8.7"},
    ],
)
async def test_odd_headers_never_break_an_entry(
    client: httpx.AsyncClient, entries: Entries, headers: Mapping[str, str]
) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await client.get(f"/api/v1/notes/{FILE}", headers=[*client.headers.raw, *encoded])
    (told,) = entries()
    assert told.acting_for.isprintable()
    assert told.address == "127.0.0.1"


@pytest.mark.parametrize("odd", ["%00%01%0a", "%ff%fe", "%ed%a0%80", "%E2%80%AE", "a" * 3000])
async def test_odd_addresses_never_break_an_entry(client: httpx.AsyncClient, entries: Entries, odd: str) -> None:
    for path in (f"/api/v1/notes/{odd}", f"/api/v1/files/{odd}"):
        await client.get(path)
    assert [told.resource.isprintable() for told in entries()] == [True, True]


async def test_no_token_is_in_an_entry(
    client: httpx.AsyncClient, spool: Spool, mint: TokenMint, entries: Entries
) -> None:
    token = mint.mint("alice")
    for path in (f"/api/v1/notes/{token}", f"/api/v1/files/{token}", f"/api/v1/notes/{FILE}?access_token={token}"):
        await client.get(path, headers={"Authorization": f"Bearer {token}", "Cookie": f"session={token}"})
    assert len(entries()) == 3
    written = b"".join(Outgoing(spool).piece(spool.extents()).lines).decode()
    assert not any(token[start : start + 20] in written for start in range(0, len(token) - 20, 20))


async def test_the_entry_is_kept_before_the_first_byte_leaves(spool: Spool, mint: TokenMint, app: Application) -> None:
    kept: list[int] = []

    async def send(message: Mapping[str, Any]) -> None:
        kept.append(spool.kept)

    async def receive() -> Mapping[str, Any]:
        return {"type": "http.request", "body": b""}

    headers = [(name.lower().encode(), value.encode()) for name, value in mint.bearer().items()]
    scope = {"type": "http", "method": "GET", "path": f"/api/v1/files/{FILE}", "headers": headers, "client": None}
    async with app.router.lifespan_context(app):
        await app({**scope, "raw_path": b"", "query_string": b""}, receive, send)
    assert kept == [1, 1, 1]


@pytest.mark.parametrize(("method", "told"), [("GET", [("failed", "client_gone")]), ("PUT", [])])
def test_an_access_whose_sender_went_away_is_told(
    spool: Spool, entries: Entries, method: str, told: list[tuple[str, str]]
) -> None:
    """Of a change it is not: nothing was refused, and what came of it the change tells itself."""
    tally = tally_of(method, "/api/v1/notes/{note_id}", {"note_id": FILE})
    Noting(spool, AUDITED).note(tally)
    assert [(each.outcome.value, each.code) for each in entries()] == told


def test_ids_are_of_now_and_each_another() -> None:
    ids = {fresh_id() for _ in range(1000)}
    assert len(ids) == 1000
    told = AuditEntry.model_validate({"entry_id": max(ids), "service": "x", "action": "file.read"})
    assert told.entry_id.version == 7
    assert told.entry_id.variant == "specified in RFC 4122"


def test_what_is_odd_is_replaced_and_what_is_long_is_cut() -> None:
    assert plain("a\u0000b\ud800c", 64) == "a?b?c"
    assert plain("x" * 65, 64) == "x" * 63 + "…"
    assert plain("отчёт", 64) == "отчёт"


def test_a_note_costs_next_to_nothing(spool: Spool) -> None:
    """About 7 to 10 microseconds of the processor, of which the write is two; ten times that would be noticed."""
    noting, tally = Noting(spool, AUDITED), tally_of("GET", "/api/v1/files/{file_id}", {"file_id": FILE})
    began = time.process_time()
    for _ in range(ROUNDS):
        noting.note(tally)
    assert (time.process_time() - began) / ROUNDS < 70e-6


def tally_of(method: str, route: str, params: Mapping[str, str]) -> Tally:
    """A request that came to this route and was not answered yet."""
    scope: dict[str, Any] = {"method": method, "path": "/", "client": ("127.0.0.1", 1), "path_params": params}
    begin(scope).actor = "alice"
    tally = Tally(scope, None, None, "request", 1)  # type: ignore[arg-type]
    tally.route = route
    return tally
