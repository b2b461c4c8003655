"""Searching and listing through the whole application."""

import statistics
import time

import httpx
import pytest

from artstore_kit.contracts.files import FileAttributes, SearchHit
from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.contracts.paging import Page
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.documents import document
from artstore_kit.testing.element import StandInElement
from artstore_kit.testing.patience import eventually

SEARCH = "/api/v1/search"
FILES = "/api/v1/files"


async def put(element: StandInElement, *documents: FileAttributes) -> None:
    for each in documents:
        await element.store(each, b"x")


async def names(client: httpx.AsyncClient, path: str = SEARCH, **asked: str | int | list[str]) -> list[str]:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    if path == FILES:
        return [file.content.name for file in Page[FileAttributes].model_validate_json(answer.content).items]
    return [hit.file.content.name for hit in Page[SearchHit].model_validate_json(answer.content).items]


async def until_listed(client: httpx.AsyncClient, count: int) -> None:
    async def listed() -> bool:
        return len(await names(client, FILES)) == count

    await eventually(listed)


async def until_found(client: httpx.AsyncClient, q: str) -> None:
    while not await names(client, q=q):
        pass


async def test_what_the_element_has_stored_is_soon_found(client: httpx.AsyncClient, element: StandInElement) -> None:
    await put(element, document("warm-up.txt"))
    await until_listed(client, 1)
    seconds: list[float] = []
    for number in range(20):
        await put(element, document(f"Договор слово{number}.pdf"))
        began = time.perf_counter()
        await until_found(client, f"слово{number}")
        seconds.append(time.perf_counter() - began)
    assert max(seconds) < 1
    assert statistics.median(seconds) < 0.2


async def test_a_hit_is_what_the_element_says_with_its_weight(
    client: httpx.AsyncClient, element: StandInElement
) -> None:
    stored = await element.store(document("Договор.pdf", tags=["срочно"], later={"unknown": 1.0}), b"x")
    await until_listed(client, 1)
    [hit] = (await client.get(SEARCH, params={"q": "договоры"})).json()["items"]
    assert hit["file"] == (await client.get(FILES)).json()["items"][0]
    assert FileAttributes.model_validate(hit["file"]) == stored
    assert 0 < hit["score"] < 1
    assert (await client.get(SEARCH)).json()["items"][0]["score"] is None


async def test_changes_and_removals_are_followed(client: httpx.AsyncClient, element: StandInElement) -> None:
    first, second = document("первый"), document("второй", number=1)
    await put(element, first, second)
    await until_listed(client, 2)
    renamed = first.content.model_copy(update={"name": "третий"})
    await put(element, first.model_copy(update={"content": renamed, "revision": 2}))
    await element.remove(second.file_id)
    await until_listed(client, 1)
    assert await names(client, q="третий") == ["третий"]
    assert await names(client, q="первый or второй") == []


async def test_filters_reach_the_index(client: httpx.AsyncClient, element: StandInElement) -> None:
    wanted = document("a.png", collection="hr/2026", tags=["x", "y"], media_type="image/png", size=5)
    await put(element, wanted, document("b.txt", number=60 * 24 * 365, uploaded_by="other"))
    await until_listed(client, 2)
    for asked in (
        {"collection": "hr/2026"},
        {"collection": "hr/*"},
        {"tag": ["x", "y"]},
        {"media_type": "IMAGE/*"},
        {"size_min": 5, "size_max": 5},
        {"uploaded_before": "2026-06-01T00:00:00+03:00"},
        {"uploaded_by": "tester"},
        {"q": "png", "sort": "newest"},
    ):
        assert await names(client, **asked) == ["a.png"], asked
    assert await names(client, uploaded_after="2026-06-01T00:00:00Z") == ["b.txt"]
    assert await names(client, tag=["x", "z"]) == []


@pytest.mark.parametrize("asked", [{"q": "договор"}, {"q": "договор", "sort": "newest"}, {"q": " "}, {}])
async def test_pages(client: httpx.AsyncClient, element: StandInElement, asked: dict[str, str]) -> None:
    await put(element, *(document(f"договор {number}", number=number // 2) for number in range(23)))
    await until_listed(client, 23)
    walked: list[str] = []
    cursor: str | None = None
    while cursor or not walked:
        answer = (
            await client.get(SEARCH, params={**asked, "limit": 5, **({"cursor": cursor} if cursor else {})})
        ).json()
        walked += [item["file"]["content"]["name"] for item in answer["items"]]
        cursor = answer["next_cursor"]
    assert sorted(walked) == sorted(f"договор {number}" for number in range(23))


def grants(*collections: str, action: Action = Action.READ) -> list[Grant]:
    return [Grant(collection=collection, actions=frozenset({action})) for collection in collections]


@pytest.mark.parametrize(
    ("granted", "seen"),
    [
        (grants("*"), ["hr", "hr-2026", "law"]),
        (grants("hr"), ["hr"]),
        (grants("hr/*"), ["hr-2026"]),
        (grants("hr*"), ["hr", "hr-2026"]),
        (grants("hr", "law"), ["hr", "law"]),
        (grants("none"), []),
        (grants("law") + grants("*", action=Action.WRITE), ["law"]),
    ],
)
async def test_only_what_may_be_read_is_shown(
    client: httpx.AsyncClient, element: StandInElement, admin: AdminStandIn, granted: list[Grant], seen: list[str]
) -> None:
    await put(element, *(document(each.replace("/", "-"), collection=each) for each in ("hr", "hr/2026", "law")))
    await until_listed(client, 3)
    client.headers["Authorization"] = f"Bearer {admin.mint.mint(grants=granted)}"
    assert sorted(await names(client, FILES)) == seen
    assert sorted(await names(client, q="hr or law")) == seen


@pytest.mark.parametrize("path", [SEARCH, FILES])
@pytest.mark.parametrize("granted", [[], grants("*", action=Action.WRITE)])
async def test_no_grant_to_read_is_refused(
    client: httpx.AsyncClient, admin: AdminStandIn, path: str, granted: list[Grant]
) -> None:
    client.headers["Authorization"] = f"Bearer {admin.mint.mint(grants=granted)}"
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "grant_missing")


@pytest.mark.parametrize("path", [SEARCH, FILES])
async def test_the_scope_is_needed(client: httpx.AsyncClient, admin: AdminStandIn, path: str) -> None:
    client.headers["Authorization"] = f"Bearer {admin.mint.mint(scopes=[Scope.FILES_WRITE])}"
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    client.headers["Authorization"] = "Bearer no"
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
