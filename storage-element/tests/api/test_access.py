"""Who may do what: a token, a scope, a grant; for each route."""

from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import pytest
from part_sender import begun
from running_element import Element, code

from artstore_kit.contracts.files import ATTRIBUTES_HEADER, FileAttributes
from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.uploads import OFFSET_HEADER
from artstore_kit.digests import format_sha256
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.tokens import TokenMint

EVERY_SCOPE = tuple(Scope)
NAMED = {ATTRIBUTES_HEADER: '{"name": "x", "collection": "hr/2026"}'}
ROUTES = [
    ("PUT", "/files/{id}", Scope.FILES_WRITE),
    ("GET", "/files/{id}", Scope.FILES_READ),
    ("GET", "/files/{id}/content", Scope.FILES_READ),
    ("HEAD", "/files/{id}/content", Scope.FILES_READ),
    ("PATCH", "/files/{id}", Scope.FILES_WRITE),
    ("DELETE", "/files/{id}", Scope.FILES_DELETE),
    ("GET", "/files", Scope.FILES_READ),
    ("GET", "/changes", Scope.FILES_READ),
    ("GET", "/element", Scope.ELEMENTS_READ),
]


@pytest.fixture
def element(lasting_element: Element) -> Element:
    return lasting_element


routes = pytest.mark.parametrize(("method", "path", "scope"), ROUTES)


async def ask(element: Element, method: str, path: str, token: str | None, file_id: object = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}" if token is not None else "", **NAMED}
    body = b'{"tags": []}' if method == "PATCH" else b"x" if method == "PUT" else b""
    if method == "PATCH":
        headers["content-type"] = "application/json"
    url = "/api/v1" + path.replace("{id}", str(file_id or new_file_id()))
    return await element.http.request(method, url, headers=headers, content=body)


def refused(answer: httpx.Response, status: int, refusal: str) -> bool:
    if answer.request.method == "HEAD":
        return answer.status_code == status
    return code(answer) == (status, refusal)


@routes
async def test_every_route_needs_a_good_token(
    element: Element, admin: AdminStandIn, method: str, path: str, scope: Scope
) -> None:
    mint = admin.mint
    bad: Sequence[str | None] = [
        None,
        "",
        "nonsense",
        mint.mint(audience="other"),
        mint.mint(expires_in_s=-61),
        mint.mint(iss="http://other.test"),
        mint.mint(header={"typ": "JWT"}),
        TokenMint(admin.url).mint(),
    ]
    for token in bad:
        answer = await ask(element, method, path, token)
        assert refused(answer, 401, "not_authenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@routes
async def test_every_route_needs_its_scope(
    element: Element, admin: AdminStandIn, method: str, path: str, scope: Scope
) -> None:
    others = [each for each in EVERY_SCOPE if each is not scope]
    answer = await ask(element, method, path, admin.mint.mint(scopes=others))
    assert refused(answer, 403, "scope_missing")
    assert f'scope="{scope.value}"' in answer.headers["www-authenticate"]


NEEDED = {"PUT": Action.WRITE, "PATCH": Action.WRITE, "DELETE": Action.DELETE}


@routes
async def test_every_route_of_files_needs_a_grant(
    element: Element, admin: AdminStandIn, method: str, path: str, scope: Scope
) -> None:
    if scope is Scope.ELEMENTS_READ:
        return
    file = await element.put(collection="hr/2026")
    action = NEEDED.get(method, Action.READ)
    file_id = None if method == "PUT" else file.file_id
    for grants in (
        [],
        [Grant(collection="hr", actions=frozenset(Action))],
        [Grant(collection="contracts/*", actions=frozenset(Action))],
        [Grant(collection="hr/*", actions=frozenset(Action) - {action})],
    ):
        answer = await ask(element, method, path, admin.mint.mint(grants=grants), file_id)
        assert refused(answer, 403, "grant_missing")
    pattern = "hr/*" if "{id}" in path else "*"
    enough = admin.mint.mint(scopes=[scope], grants=[Grant(collection=pattern, actions=frozenset({action}))])
    assert (await ask(element, method, path, enough, file_id)).status_code in {200, 201, 204, 503}


async def test_lists_show_all_collections_and_need_all_grants(element: Element, admin: AdminStandIn) -> None:
    token = admin.mint.mint(grants=[Grant(collection="default", actions=frozenset(Action))])
    for path in ("/files", "/changes"):
        assert code(await ask(element, "GET", path, token)) == (403, "grant_missing")


async def test_a_file_is_not_moved_into_a_collection_without_a_grant(element: Element, admin: AdminStandIn) -> None:
    file = await element.put(collection="hr/2026")
    headers = only_in_hr(admin)
    url = f"/api/v1/files/{file.file_id}"
    for collection, status in (("hr/2027", 200), ("contracts", 403)):
        answer = await element.http.patch(url, json={"collection": collection}, headers=headers)
        assert answer.status_code == status
    assert (await element.attributes(file.file_id)).collection == "hr/2027"


async def test_content_that_comes_while_its_file_is_moved_needs_a_grant_on_where_it_is_now(
    element: Element, admin: AdminStandIn
) -> None:
    file = await element.put(b"before", collection="hr/2026")
    url, headers = f"/api/v1/files/{file.file_id}/content", only_in_hr(admin)

    async def slow(collection: str) -> AsyncIterator[bytes]:
        yield b"af"
        assert (await element.patch(file.file_id, collection=collection)).is_success
        yield b"ter"

    assert (await element.http.put(url, content=slow("hr/2027"), headers=headers)).status_code == 200
    refusal = await element.http.put(url, content=slow("contracts"), headers=headers)
    assert code(refusal) == (403, "grant_missing")
    assert (await element.content(file.file_id)).content == b"after"
    assert (await element.attributes(file.file_id)).content.version == 2
    assert element.staged() == []


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("PATCH", "", {"tags": ["x"]}),
        ("DELETE", "", None),
        ("PUT", "/holds/case-7", {"reason": "tried"}),
        ("DELETE", "/holds/case-7", None),
    ],
)
async def test_a_file_that_is_moved_right_after_the_grant_was_found_is_left_alone(
    element: Element, admin: AdminStandIn, monkeypatch: pytest.MonkeyPatch, method: str, path: str, sent: object
) -> None:
    file = await element.put(collection="hr/2026")
    reader = element.services.reader
    read = reader.attributes

    async def moved_once_read(file_id: UUID) -> FileAttributes:
        seen = await read(file_id)
        monkeypatch.setattr(reader, "attributes", read)
        assert (await element.patch(file_id, collection="contracts")).is_success
        return seen

    monkeypatch.setattr(reader, "attributes", moved_once_read)
    asked: dict[str, Any] = {"json": sent} if sent else {}
    url = f"/api/v1/files/{file.file_id}{path}"
    assert code(await element.http.request(method, url, headers=only_in_hr(admin), **asked)) == (403, "grant_missing")
    assert (await element.attributes(file.file_id)).revision == 2


async def test_an_upload_goes_on_and_becomes_a_file_only_with_a_grant(element: Element, admin: AdminStandIn) -> None:
    """It is open for a day: the grant that it was begun with may be taken away meanwhile."""
    sender, without = await begun(element, 5, collection="contracts"), only_in_hr(admin)
    commit = f"{sender.path}/commit"
    repeated = f"{commit}?file_id={sender.upload.file_id}"
    digest = {"Repr-Digest": format_sha256(sha256(b"12345").digest())}
    refused = await element.http.patch(sender.path, content=b"12345", headers={**without, OFFSET_HEADER: "0"})
    assert code(refused) == (403, "grant_missing")
    assert (await sender.append(0, b"12345")).status_code == 204
    assert code(await element.http.post(commit, headers=without)) == (403, "grant_missing")
    await sender.stored(b"12345")
    assert code(await element.http.post(repeated, headers=without | digest)) == (403, "grant_missing")
    assert (await element.http.post(repeated, headers=digest)).status_code == 200


def only_in_hr(admin: AdminStandIn) -> dict[str, str]:
    """The header of a token that may do everything to the files of some collections alone."""
    token = admin.mint.mint(grants=[Grant(collection="hr/*", actions=frozenset(Action))])
    return {"Authorization": f"Bearer {token}"}


async def test_a_service_names_for_whom_it_acts(element: Element, admin: AdminStandIn) -> None:
    url, headers = f"/api/v1/files/{new_file_id()}", {"X-ArtStore-Acting-For": "alice", **NAMED}
    answer = await element.http.put(url, headers=headers, content=b"x")
    assert answer.json()["uploaded_by"] == "alice"
    plain = admin.mint.mint(scopes=[Scope.FILES_WRITE])
    answer = await element.http.put(url, headers={**headers, "Authorization": f"Bearer {plain}"}, content=b"x")
    assert code(answer) == (403, "scope_missing")


async def test_nothing_is_left_of_what_was_refused(element: Element, admin: AdminStandIn) -> None:
    before = element.services.committer.placed_lsn
    for token in (None, admin.mint.mint(scopes=[Scope.FILES_READ]), admin.mint.mint(grants=[])):
        assert (await ask(element, "PUT", "/files/{id}", token)).status_code in {401, 403}
    assert element.staged() == []
    assert element.services.committer.placed_lsn == before
