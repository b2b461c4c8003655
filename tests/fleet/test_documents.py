"""A document goes in, is there at once, is found in a blink, comes out bit for bit, changes, and goes."""

import time
from urllib.parse import unquote

import pytest

from artstore import ArtStore
from artstore_kit.contracts.errors import FileUnknown, ModeForbids, RevisionMismatch
from artstore_kit.contracts.files import AttributeChanges, FileAttributes
from tests.fleet.documents import (
    FINDABLE_WITHIN_S,
    KIB,
    MIB,
    Document,
    downloaded,
    hits,
    names,
    unique_word,
    until_found,
    until_gone,
)
from tests.fleet.wire import Wire, refusal


@pytest.mark.parametrize("size_bytes", [0, 1, 4 * KIB, 64 * KIB + 1, 300 * KIB, 5 * MIB])
async def test_a_document_comes_back_as_it_was_given(store: ArtStore, size_bytes: int) -> None:
    document = Document.of_size(size_bytes)

    stored = await document.put(store)
    known_at_once = await store.info(stored.file_id)
    await until_found(store, document.word, document.name)

    assert known_at_once == stored
    assert (stored.content.size, stored.content.sha256) == (size_bytes, document.sha256)
    assert await downloaded(store, stored.file_id) == document.content


async def test_it_is_found_within_a_second_of_its_acknowledgement(store: ArtStore) -> None:
    waited_s = []
    for _ in range(20):
        document = Document.of_size(2 * KIB)
        await document.put(store)
        acknowledged_at = time.monotonic()
        await until_found(store, document.word, document.name, within_s=10)
        waited_s.append(time.monotonic() - acknowledged_at)

    assert max(waited_s) < FINDABLE_WITHIN_S


async def test_a_form_is_taken(store: ArtStore, wire: Wire) -> None:
    document = Document.of_size(400 * KIB)
    form = {"attributes": (None, f'{{"name": "{document.name}"}}'), "file": ("other name", document.content)}

    answer = await wire.ask("POST", "ingester", "/files", files=form)

    assert answer.status_code == 201, answer.text
    stored = FileAttributes.model_validate_json(answer.content)
    assert stored.content.name == document.name
    await until_found(store, document.word, document.name)
    assert await downloaded(store, stored.file_id) == document.content


async def test_a_raw_body_described_in_the_query_is_taken(store: ArtStore, wire: Wire) -> None:
    word = unique_word()
    fields = [
        ("name", f"{word}.txt"),
        ("collection", "hr/2026"),
        ("media_type", "text/plain"),
        ("tag", "а"),
        ("tag", "b"),
    ]

    answer = await wire.ask("POST", "ingester", "/files", params=fields, content=b"raw")

    assert answer.status_code == 201, answer.text
    stored = FileAttributes.model_validate_json(answer.content)
    assert (stored.collection, stored.content.media_type, stored.tags) == ("hr/2026", "text/plain", ["а", "b"])
    assert await downloaded(store, stored.file_id) == b"raw"
    await until_found(store, word, f"{word}.txt")


async def test_the_answer_says_where_the_document_is(wire: Wire) -> None:
    answer = await wire.upload(b"found by its address")

    located = await wire.client.get(answer.headers["Location"], headers={"Authorization": f"Bearer {wire.token}"})
    assert located.json() == answer.json()


async def test_the_same_idempotency_key_makes_one_document(store: ArtStore, wire: Wire) -> None:
    document = Document.of_size(KIB, collection=unique_word())
    key = {"Idempotency-Key": unique_word()}

    first = await wire.upload(document.content, headers=key, **document.attributes)
    again = await wire.upload(document.content, headers=key, **document.attributes)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    await until_found(store, document.word, document.name)
    assert await names(store, collection=document.collection) == [document.name]


@pytest.mark.parametrize("name", ["📄 счёт.pdf", "\u202egnp.exe", "a" * 1000, "100% ?&#;=+.txt", "имя  с пробелами"])
async def test_a_strange_name_survives(store: ArtStore, wire: Wire, name: str) -> None:
    stored = await store.put(b"content", name=name)

    head = await wire.ask("HEAD", "query", f"/files/{stored.file_id}/content")

    assert (await store.info(stored.file_id)).content.name == name
    assert unquote(head.headers["Content-Disposition"].partition("''")[2]) == name


async def test_words_are_found_in_their_other_forms(store: ArtStore) -> None:
    mark = unique_word()
    description = f"Договор аренды склада {mark}; signed agreements about deliveries"
    stored = await store.put(b"-", name="lease.txt", description=description, tags=["аренда", "2026"])

    for question in ("договоры", "арендой", "agreement", "delivery", f'"аренды склада" {mark}', f"{mark[:8]}*"):
        await until_found(store, f"{question} {mark}", "lease.txt")
    found = await hits(store, mark, tags=["аренда", "2026"])
    assert [hit.file.file_id for hit in found] == [stored.file_id]
    assert await names(store, f"{mark} -аренда") == []


async def test_attributes_change_and_the_search_follows(store: ArtStore) -> None:
    document = Document.of_size(KIB)
    stored = await document.put(store)
    await until_found(store, document.word, document.name)
    word = unique_word()

    changed = await store.update(stored.file_id, AttributeChanges(name=f"{word}.txt", tags=["new"]), if_revision=1)

    assert (changed.revision, changed.tags, changed.content.sha256) == (2, ["new"], document.sha256)
    await until_found(store, word, f"{word}.txt")
    await until_gone(store, document.word)
    assert await store.info(stored.file_id) == changed
    with pytest.raises(RevisionMismatch):
        await store.update(stored.file_id, AttributeChanges(tags=[]), if_revision=1)


async def test_a_removed_document_is_gone(store: ArtStore, wire: Wire) -> None:
    document = Document.of_size(KIB)
    stored = await document.put(store)
    await until_found(store, document.word, document.name)

    await store.delete(stored.file_id)

    await until_gone(store, document.word)
    with pytest.raises(FileUnknown):
        await store.info(stored.file_id)
    with pytest.raises(FileUnknown):
        await store.delete(stored.file_id)
    refusal(await wire.ask("GET", "query", f"/files/{stored.file_id}/content"), 404, "file_unknown")


async def test_a_permanent_document_goes_to_the_archive_and_stays(store: ArtStore) -> None:
    document = Document.of_size(100 * KIB, retention="permanent")

    stored = await document.put(store)

    assert stored.element.id == "rw-1"
    await until_found(store, document.word, document.name)
    with pytest.raises(ModeForbids):
        await store.delete(stored.file_id)
    with pytest.raises(ModeForbids):
        await store.update(stored.file_id, AttributeChanges(name="other.txt"))
    assert (await store.update(stored.file_id, AttributeChanges(tags=["kept"]))).tags == ["kept"]
    assert await downloaded(store, stored.file_id) == document.content


async def test_the_newest_are_listed_first_page_by_page(store: ArtStore, wire: Wire) -> None:
    documents = [Document.of_size(10) for _ in range(5)]
    stored = [await document.put(store) for document in documents]
    await until_found(store, documents[-1].word, documents[-1].name)

    first = (await wire.ask("GET", "query", "/files", params={"limit": "3"})).json()
    cursor = {"limit": "2", "cursor": first["next_cursor"]}
    second = (await wire.ask("GET", "query", "/files", params=cursor)).json()

    listed = [item["file_id"] for item in first["items"] + second["items"]]
    assert listed == [str(each.file_id) for each in reversed(stored)]
