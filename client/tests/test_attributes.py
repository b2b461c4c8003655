"""Finding, looking, changing, deleting."""

from datetime import UTC, datetime

import pytest

from artstore import ArtStore, AttributeChanges
from artstore_kit.contracts.errors import FileUnknown, InvalidFields, RevisionMismatch
from artstore_kit.contracts.ids import new_file_id
from client.tests.stand_in import Fleet


async def test_a_search_walks_all_pages_and_no_further_than_asked(store: ArtStore, fleet: Fleet) -> None:
    for number in range(250):
        await store.put(b"", name=f"letter {number}")
    assert len([hit async for hit in store.search("letter")]) == 250
    assert len(fleet.requests("GET", "/search")) == 3
    assert len([hit async for hit in store.search("letter", limit=120)]) == 120
    assert [dict(seen.query)["limit"] for seen in fleet.requests("GET", "/search")[3:]] == ["100", "20"]


async def test_filters_become_parameters(store: ArtStore, fleet: Fleet) -> None:
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    filters = {"collection": "hr", "media_type": "text/*", "uploaded_by": "anna", "sort": "newest"}
    found = store.search("q & a", tags=["a", "b"], size_min=0, size_max=9, uploaded_after=moment, **filters)  # type: ignore[arg-type]
    assert [hit async for hit in found] == []
    (seen,) = fleet.requests("GET", "/search")
    (after,) = [value for name, value in seen.query if name == "uploaded_after"]
    assert datetime.fromisoformat(after) == moment
    assert {("q", "q & a"), ("tag", "a"), ("tag", "b"), ("size_min", "0"), ("size_max", "9")} <= set(seen.query)
    assert set(filters.items()) <= set(seen.query)


async def test_words_are_ranked_and_everything_else_is_newest_first(store: ArtStore, fleet: Fleet) -> None:
    for search in (store.search("words"), store.search(tags=["a"]), store.ls()):
        assert [hit async for hit in search] == []
    assert [dict(seen.query)["sort"] for seen in fleet.requests("GET", "/search")] == ["relevance", "newest", "newest"]


async def test_a_listing_is_of_a_collection(store: ArtStore) -> None:
    await store.put(b"", name="a", collection="one")
    kept = await store.put(b"", name="b", collection="two")
    assert [file async for file in store.ls("two")] == [kept]
    assert len([file async for file in store.ls()]) == 2


async def test_info_shows_what_put_answered(store: ArtStore) -> None:
    stored = await store.put(b"x", name="a")
    assert await store.info(stored.file_id) == stored


async def test_an_update_sets_what_it_names(store: ArtStore) -> None:
    stored = await store.put(b"x", name="a", tags=["old"], description="kept")
    changed = await store.update(stored.file_id, AttributeChanges(tags=["new"]), if_revision=1)
    assert (changed.tags, changed.description, changed.revision) == (["new"], "kept", 2)
    with pytest.raises(RevisionMismatch):
        await store.update(stored.file_id, AttributeChanges(tags=[]), if_revision=1)


async def test_a_conditional_update_is_not_repeated(store: ArtStore, fleet: Fleet) -> None:
    stored = await store.put(b"x", name="a")
    fleet.fail("PATCH", "/files", status=503, times=2)
    with pytest.raises(Exception, match="503"):
        await store.update(stored.file_id, AttributeChanges(tags=["b"]), if_revision=1)
    assert (await store.update(stored.file_id, AttributeChanges(tags=["b"]))).tags == ["b"]
    assert len(fleet.requests("PATCH", "/files")) == 3


async def test_a_deleted_file_is_gone(store: ArtStore) -> None:
    stored = await store.put(b"x", name="a")
    await store.delete(stored.file_id)
    with pytest.raises(FileUnknown):
        await store.info(stored.file_id)
    with pytest.raises(FileUnknown):
        await store.delete(stored.file_id)


async def test_a_deletion_whose_answer_was_lost_is_a_deletion(store: ArtStore, fleet: Fleet) -> None:
    stored = await store.put(b"x", name="a")
    fleet.fail("DELETE", "/files", lose_answer=True)
    await store.delete(stored.file_id)
    assert not fleet.files


UUID4 = "8d3a1f6e-0000-4000-8000-000000000000"


@pytest.mark.parametrize("file_id", ["", "../search", UUID4, str(new_file_id()).upper()])
async def test_what_is_no_file_id_is_not_sent(store: ArtStore, fleet: Fleet, file_id: str) -> None:
    with pytest.raises(InvalidFields, match="UUIDv7"):
        await store.info(file_id)
    assert not fleet.requests("GET", "/api/v1")
