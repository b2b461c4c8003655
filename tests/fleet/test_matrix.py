"""Every operation of every service, tried with every right: allowed exactly where its OpenAPI file declares it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from uuid import UUID

import httpx
import pytest

from artstore_kit.contracts.identity import ACTING_FOR_HEADER, Action, Scope
from artstore_kit.contracts.ids import new_file_id
from tests.fleet.documents import unique_word
from tests.fleet.operations import PARTS, Operation, operations
from tests.fleet.people import administrator, new_account, newcomer, token_of
from tests.fleet.wire import Wire

AT_ONCE = 16
UPLOADS = "/api/v1/uploads"
ELEMENT = PARTS["storage-element"]
OPERATIONS = list(operations())
GUARDED = [each for each in OPERATIONS if each.scopes is not None]
GRANTED = [each for each in GUARDED if each.grant]
OUTSIDE = {(401, "not_authenticated"), (403, "scope_missing")}
"""How it is told that somebody may not do this at all."""

type Told = tuple[int, str]


class Caller:
    """Asks many things at once."""

    def __init__(self, wire: Wire, client: httpx.AsyncClient) -> None:
        self._wire = wire
        self._client = client
        self._places = asyncio.Semaphore(AT_ONCE)

    async def told(self, operation: Operation, token: str, request: Mapping[str, object] | None = None) -> Told:
        """The status and, when it was refused, the code."""
        asked = dict(request or operation.empty())
        headers: dict[str, str] = asked.pop("headers", {})
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self._wire.fleet.url(operation.part)}{asked.pop('url')}"
        async with self._places:
            answer = await self._client.request(url=url, headers=authorization | headers, **asked)
        if operation.path == UPLOADS and answer.status_code == 201:  # nobody goes on with it
            begun = f"{self._wire.fleet.url(operation.part)}{answer.headers['Location']}"
            (await self._client.delete(begun, headers=authorization)).raise_for_status()
        if answer.is_success or operation.method == "HEAD":
            return answer.status_code, _of_head(answer)
        return answer.status_code, answer.json().get("code", "")

    async def all_told(self, pairs: Iterable[tuple[Operation, str]]) -> list[Told]:
        """Each operation with its token."""
        return await asyncio.gather(*(self.told(operation, token) for operation, token in pairs))


class Front:
    """A service that begins uploads for those who could not begin them themselves."""

    def __init__(self, wire: Wire, token: str) -> None:
        self._wire = wire
        self._token = token
        self._begun: list[tuple[str, dict[str, str]]] = []

    async def begin(self, collection: str, by: str) -> UUID:
        """An upload of `by`; its id."""
        creation = {"file_id": str(new_file_id()), "attributes": {"name": "x", "collection": collection}, "size": 0}
        headers = {ACTING_FOR_HEADER: by}
        answer = await self._wire.ask("POST", ELEMENT, "/uploads", token=self._token, headers=headers, json=creation)
        upload_id = answer.raise_for_status().json()["upload_id"]
        self._begun.append((f"/uploads/{upload_id}", headers))
        return UUID(upload_id)

    async def end(self) -> None:
        """Give up those that have not become files."""
        for path, headers in self._begun:
            answer = await self._wire.ask("DELETE", ELEMENT, path, token=self._token, headers=headers)
            assert answer.status_code in {204, 404}


@pytest.fixture
async def front(wire: Wire) -> AsyncIterator[Front]:
    """Leaves no upload open."""
    scopes = [Scope.FILES_WRITE, Scope.FLEET_ACT_FOR]
    front = Front(wire, await newcomer(wire, f"front-{unique_word()}", scopes))
    yield front
    await front.end()


@pytest.fixture
async def caller(wire: Wire) -> AsyncIterator[Caller]:
    """Keeps its connections: the fleet is not restarted meanwhile."""
    async with httpx.AsyncClient(timeout=60) as client:
        yield Caller(wire, client)


@pytest.mark.parametrize("token", ["", "broken"])
async def test_without_a_good_token_only_public_operations_are_answered(wire: Wire, caller: Caller, token: str) -> None:
    sent = f"{wire.token[:-20]}{'A' * 20}" if token else ""
    tried = [each for each in OPERATIONS if each.scopes is not None or not each.acts_at_once]

    told = await caller.all_told((operation, sent) for operation in tried)

    for operation, answer in zip(tried, told, strict=True):
        if operation.scopes is None:
            assert answer not in OUTSIDE, operation
        else:
            assert answer == (401, "not_authenticated"), operation


async def test_each_scope_opens_what_declares_it_and_nothing_else(wire: Wire, caller: Caller) -> None:
    name = f"matrix-{unique_word()}"
    secret = await new_account(wire, name, list(Scope), [{"collection": "*", "actions": list(Action)}])
    tokens = {scope.value: await token_of(wire.fleet, name, secret, scope) for scope in Scope}
    tried = [(operation, scope) for operation in GUARDED for scope in tokens]

    await _exactly_where_declared(caller, [(operation, {scope}, tokens[scope]) for operation, scope in tried])


async def test_each_role_opens_what_its_scopes_do_and_nothing_else(wire: Wire, caller: Caller) -> None:
    listed = await wire.ask("GET", "admin", "/roles", token=await administrator(wire))
    roles = {role["name"]: set(role["scopes"]) for role in listed.json()["items"] if role["builtin"]}
    assert set(roles) == {"super_admin", "admin", "operator", "auditor", "readonly"}
    tokens = {role: await _token_of_role(wire, role) for role in roles}

    tried = [(operation, roles[role], tokens[role]) for operation in GUARDED for role in roles]
    await _exactly_where_declared(caller, tried)


async def test_all_scopes_without_a_grant_open_no_file(wire: Wire, caller: Caller, front: Front) -> None:
    name, collection = f"matrix-{unique_word()}", f"matrix-{unique_word()}"
    token = await token_of(wire.fleet, name, await new_account(wire, name, list(Scope)))
    file_id, upload_id = await _stored(wire, collection), await front.begin(collection, name)

    for operation in GRANTED:
        its_id = upload_id if operation.goes_on_with_an_upload else file_id
        answer = await caller.told(operation, token, operation.real(its_id, collection))
        assert answer == (403, "grant_missing"), operation


@pytest.mark.parametrize("action", Action)
async def test_a_grant_allows_its_action_and_nothing_else(
    wire: Wire, caller: Caller, front: Front, action: Action
) -> None:
    name, collection = f"matrix-{unique_word()}", f"matrix-{unique_word()}"
    secret = await new_account(wire, name, list(Scope), [{"collection": "*", "actions": [action]}])
    token = await token_of(wire.fleet, name, secret)

    for operation in GRANTED:
        begun = operation.goes_on_with_an_upload
        its_id = await (front.begin(collection, name) if begun else _stored(wire, collection))
        request = operation.real(its_id, collection)
        answer = await caller.told(operation, token, request)
        if operation.grant is action:
            assert answer[0] not in {401, 403}, operation
        else:
            assert answer == (403, "grant_missing"), operation


async def _exactly_where_declared(caller: Caller, tried: Iterable[tuple[Operation, set[str], str]]) -> None:
    """What acts at once is not tried with the right to it; other journeys show that it works."""
    asked = [each for each in tried if not (each[0].acts_at_once and _may(*each[:2]))]
    told = await caller.all_told((operation, token) for operation, _, token in asked)
    wrong = [
        f"{operation} with {sorted(scopes)}: {answer}"
        for (operation, scopes, _), answer in zip(asked, told, strict=True)
        if (answer in OUTSIDE if _may(operation, scopes) else answer != (403, "scope_missing"))
    ]
    assert wrong == []


def _may(operation: Operation, scopes: set[str]) -> bool:
    return operation.scopes is not None and operation.scopes <= scopes


async def _token_of_role(wire: Wire, role: str) -> str:
    name = f"matrix-{unique_word()}"
    return await token_of(wire.fleet, name, await new_account(wire, name, [], roles=[role]))


async def _stored(wire: Wire, collection: str) -> UUID:
    answer = await wire.upload(b"for the matrix", collection=collection)
    return UUID(answer.raise_for_status().json()["file_id"])


def _of_head(answer: httpx.Response) -> str:
    """An answer to HEAD has no document: the challenge tells a missing scope, and a grant has none."""
    if answer.status_code == 401:
        return "not_authenticated"
    if answer.status_code == 403:
        return (
            "scope_missing" if "insufficient_scope" in answer.headers.get("WWW-Authenticate", "") else "grant_missing"
        )
    return ""
