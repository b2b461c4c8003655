"""Changing and removing files through the ingester, wherever they lie."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import httpx
import pytest

from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.element import StandInElement, Stored
from artstore_kit.testing.element_state import Seen

FILES = "/api/v1/files"
type Start = Callable[..., Awaitable[httpx.AsyncClient]]


class ChangingMeanwhile(dict[UUID, Stored]):
    """Files that somebody else changes between the ingester's question and its change, `times` times."""

    def __init__(self, files: dict[UUID, Stored], times: int) -> None:
        super().__init__(files)
        self._times = times
        self._reads = 0

    def get(self, file_id: UUID) -> Stored | None:  # type: ignore[override]
        found = super().get(file_id)
        self._reads += 1
        if found and self._reads % 2 and self._times:
            self._times -= 1
            later = found.attributes.model_copy(update={"revision": found.attributes.revision + 1})
            self[file_id] = Stored(later, found.content)
        return found


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def stored(client: httpx.AsyncClient, **query: str) -> UUID:
    answer = await client.post(FILES, params={"name": "a"} | query, content=b"x")
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["file_id"])


def lookups(element: StandInElement) -> list[Seen]:
    return [asked for asked in element.requests("GET") if asked.path.startswith(f"{FILES}/")]


def only(admin: AdminStandIn, collection: str, *actions: Action) -> dict[str, str]:
    grant = Grant(collection=collection, actions=frozenset(actions))
    return {"Authorization": f"Bearer {admin.mint.mint(grants=[grant])}"}


async def test_attributes_are_changed_where_the_file_lies(
    client: httpx.AsyncClient, edit: StandInElement, rw: StandInElement
) -> None:
    for element, retention in ((edit, "temporary"), (rw, "permanent")):
        file_id = await stored(client, retention=retention)
        answer = await client.patch(f"{FILES}/{file_id}", json={"tags": ["neu"], "description": "d"})
        assert answer.status_code == 200, answer.text
        assert answer.content == element.files[file_id].attributes.to_json()
        assert answer.headers["ETag"] == '"r2"'
        assert (answer.json()["tags"], answer.json()["revision"]) == (["neu"], 2)
        assert next(element.requests("PATCH")).headers["X-ArtStore-Acting-For"] == "alice"
        assert {asked.headers.get("X-ArtStore-Acting-For") for asked in lookups(element)} == {"alice"}


async def test_a_file_is_removed_from_an_edit_element(client: httpx.AsyncClient, edit: StandInElement) -> None:
    file_id = await stored(client)
    answer = await client.delete(f"{FILES}/{file_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not edit.files
    refused(await client.delete(f"{FILES}/{file_id}"), 404, "file_unknown")


async def test_an_archive_removes_nothing(client: httpx.AsyncClient, rw: StandInElement) -> None:
    file_id = await stored(client, retention="permanent")
    refused(await client.delete(f"{FILES}/{file_id}"), 409, "mode_forbids")
    rw.mode = Mode.RO
    refused(await client.patch(f"{FILES}/{file_id}", json={"tags": []}), 409, "mode_forbids")
    assert file_id in rw.files


@pytest.mark.parametrize("if_match", ['"r1"', "*", '"r7", "r1"'])
async def test_a_revision_that_is_right_lets_the_change_pass(client: httpx.AsyncClient, if_match: str) -> None:
    file_id = await stored(client)
    headers = {"If-Match": if_match}
    assert (await client.patch(f"{FILES}/{file_id}", json={"tags": ["a"]}, headers=headers)).status_code == 200
    headers = {"If-Match": if_match.replace("r1", "r2")}
    assert (await client.delete(f"{FILES}/{file_id}", headers=headers)).status_code == 204


@pytest.mark.parametrize("if_match", ['"r2"', '"abc"', "r1", 'W/"r1"'])
async def test_a_revision_that_is_wrong_stops_it(
    client: httpx.AsyncClient, edit: StandInElement, if_match: str
) -> None:
    url, headers = f"{FILES}/{await stored(client)}", {"If-Match": if_match}
    refused(await client.patch(url, json={"tags": ["a"]}, headers=headers), 412, "revision_mismatch")
    refused(await client.delete(url, headers=headers), 412, "revision_mismatch")
    assert not list(edit.requests("PATCH"))
    assert len(edit.files) == 1


async def test_rights_are_those_on_the_files_collection(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    url = f"{FILES}/{await stored(client, collection='hr')}"
    reader = only(admin, "hr", Action.READ, Action.DELETE)
    writer = only(admin, "hr", Action.READ, Action.WRITE)
    stranger = only(admin, "contracts", *Action)
    for headers in (reader, stranger):
        refused(await client.patch(url, json={"tags": ["a"]}, headers=headers), 403, "grant_missing")
    for headers in (writer, stranger):
        refused(await client.delete(url, headers=headers), 403, "grant_missing")
    assert (await client.patch(url, json={"tags": ["a"]}, headers=writer)).status_code == 200
    assert (await client.delete(url, headers=reader)).status_code == 204


async def test_a_file_moves_only_with_rights_on_both_collections(
    client: httpx.AsyncClient, admin: AdminStandIn
) -> None:
    url = f"{FILES}/{await stored(client, collection='hr')}"
    for one_side in ("hr", "contracts"):
        headers = only(admin, one_side, Action.WRITE)
        refused(await client.patch(url, json={"collection": "contracts"}, headers=headers), 403, "grant_missing")
    headers = only(admin, "*", Action.WRITE)
    answer = await client.patch(url, json={"collection": "contracts"}, headers=headers)
    assert answer.json()["collection"] == "contracts"


async def test_scopes_are_needed(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    url = f"{FILES}/{await stored(client)}"
    reader, writer = (admin.mint.bearer(scopes=[scope]) for scope in (Scope.FILES_READ, Scope.FILES_WRITE))
    refused(await client.patch(url, json={}, headers=reader), 403, "scope_missing")
    refused(await client.delete(url, headers=writer), 403, "scope_missing")
    refused(await client.delete(url, headers={"Authorization": ""}), 401, "not_authenticated")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "bad_request"),
        ('{"name": "a/b"}', 422, "invalid_fields"),
        ('{"colour": "red"}', 422, "invalid_fields"),
        ('{"size": 1}', 422, "invalid_fields"),
    ],
)
async def test_changes_that_are_none(client: httpx.AsyncClient, body: str, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    refused(await client.patch(f"{FILES}/{await stored(client)}", content=body, headers=headers), status, code)


async def test_ids_that_nobody_has(client: httpx.AsyncClient) -> None:
    refused(await client.patch(f"{FILES}/{new_file_id()}", json={}), 404, "file_unknown")
    for file_id in ("1", uuid4(), str(new_file_id()).upper()):
        refused(await client.patch(f"{FILES}/{file_id}", json={}), 422, "invalid_fields")
        refused(await client.delete(f"{FILES}/{file_id}"), 422, "invalid_fields")


async def test_methods_that_an_address_does_not_answer(client: httpx.AsyncClient) -> None:
    for method, path, allowed in (("GET", FILES, {"POST"}), ("POST", f"{FILES}/1", {"PATCH"})):
        answer = await client.request(method, path)
        refused(answer, 405, "method_not_allowed")
        assert allowed <= set(answer.headers["Allow"].split(", "))


async def test_an_element_that_is_silent_may_have_the_file(client: httpx.AsyncClient, rw: StandInElement) -> None:
    file_id = await stored(client)
    await rw.stop()
    assert (await client.patch(f"{FILES}/{file_id}", json={"tags": ["a"]})).status_code == 200
    answer = await client.delete(f"{FILES}/{new_file_id()}")
    refused(answer, 503, "element_unavailable")
    assert "rw-1" in answer.json()["detail"]


async def test_a_known_place_is_asked_first_and_a_moved_file_is_found(
    client: httpx.AsyncClient, edit: StandInElement, rw: StandInElement
) -> None:
    file_id = await stored(client)
    for tag in "ab":
        assert (await client.patch(f"{FILES}/{file_id}", json={"tags": [tag]})).status_code == 200
    asked = len(list(rw.requests("GET")))
    assert asked <= 1
    rw.files[file_id] = edit.files.pop(file_id)
    assert (await client.patch(f"{FILES}/{file_id}", json={"tags": ["c"]})).status_code == 200
    assert rw.files[file_id].attributes.tags == ["c"]


async def test_a_change_in_between_is_not_overwritten_unseen(client: httpx.AsyncClient, edit: StandInElement) -> None:
    """The rights were checked on the revision that was read: the next one is read, and checked, again."""
    file_id = await stored(client)
    edit.files = ChangingMeanwhile(edit.files, times=1)
    assert (await client.patch(f"{FILES}/{file_id}", json={"tags": ["a"]})).status_code == 200
    assert len(list(edit.requests("PATCH"))) == 2
    edit.files = ChangingMeanwhile(edit.files, times=10)
    refused(await client.patch(f"{FILES}/{file_id}", json={"tags": ["a"]}), 412, "revision_mismatch")
