"""Files through every route, as a caller meets them."""

import hashlib
import json

from running_element import Element, code

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.digests import format_sha256

CONTENT = b"0123456789" * 20_000


async def test_a_file_goes_in_and_comes_out(element: Element) -> None:
    file = await element.put(CONTENT, name="отчёт.pdf", media_type="application/pdf", tags=["a"], metadata={"n": 1})
    answer = await element.content(file.file_id)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["etag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    assert answer.headers["repr-digest"] == format_sha256(hashlib.sha256(CONTENT).digest())
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%D0%BE%D1%82%D1%87%D1%91%D1%82.pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["accept-ranges"] == "bytes"


async def test_a_file_is_plain_on_the_disk(element: Element) -> None:
    file = await element.put(CONTENT)
    small = await element.put(b"small", description="x")
    assert element.content_path(file).read_bytes() == CONTENT
    assert element.content_path(small).read_bytes() == b"small"
    stored = json.loads(element.attributes_path(small).read_bytes())
    assert list(stored)[:4] == ["schema", "file_id", "revision", "content"]
    assert stored["element"] == {"id": "edit-1", "epoch": 1, "lsn": 2}
    assert stored["uploaded_at"].endswith("Z")
    assert element.staged() == []


async def test_the_attributes_have_their_revision_as_etag(element: Element) -> None:
    file = await element.put()
    answer = await element.http.get(f"/api/v1/files/{file.file_id}")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"r1"')
    assert FileAttributes.model_validate_json(answer.content) == file


async def test_a_change_makes_the_next_revision(element: Element) -> None:
    file = await element.put(tags=["old"], description="kept")
    answer = await element.patch(file.file_id, '"r1"', tags=["new"], name="other.txt", description=None)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"r2"')
    changed = await element.attributes(file.file_id)
    assert (changed.tags, changed.content.name, changed.description) == (["new"], "other.txt", "kept")
    assert code(await element.patch(file.file_id, '"r1"', tags=[])) == (412, "revision_mismatch")
    assert (await element.attributes(file.file_id)).revision == 2


async def test_a_removed_file_is_gone(element: Element) -> None:
    file = await element.put(CONTENT)
    answer = await element.http.delete(f"/api/v1/files/{file.file_id}", headers={"If-Match": '"r2"'})
    assert code(answer) == (412, "revision_mismatch")
    assert (await element.remove(file.file_id)).status_code == 204
    assert code(await element.content(file.file_id)) == (404, "file_unknown")
    assert code(await element.remove(file.file_id)) == (404, "file_unknown")
    assert not element.content_path(file).exists()
    assert not element.attributes_path(file).exists()


async def test_a_held_or_retained_file_stays(element: Element) -> None:
    held = await element.put(holds=[{"id": "case-7", "reason": "court"}])
    assert code(await element.remove(held.file_id)) == (409, "file_held")
    assert code(await element.patch(held.file_id, tags=["x"])) == (409, "file_held")
    retained = await element.put(retention={"policy": "p", "retain_until": "2999-01-01T00:00:00Z"})
    assert code(await element.remove(retained.file_id)) == (409, "file_retained")
    shorter = {"policy": "p", "retain_until": "2998-01-01T00:00:00Z"}
    assert code(await element.patch(retained.file_id, retention=shorter)) == (409, "retention_shortened")


async def test_the_list_shows_all_files_in_pages(element: Element) -> None:
    files = sorted([str((await element.put()).file_id) for _ in range(5)])
    await element.feed_up_to(5)
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await element.http.get(f"/api/v1/files?limit=2{cursor and f'&cursor={cursor}'}")).json()
        seen += [item["file_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == files
    assert code(await element.http.get("/api/v1/files?cursor=nonsense")) == (400, "bad_cursor")
    assert code(await element.http.get("/api/v1/files?limit=0")) == (422, "invalid_fields")


async def test_the_state_of_the_element(element: Element) -> None:
    await element.put()
    state = (await element.http.get("/api/v1/element")).json()
    assert (state["mode"], state["epoch"], state["last_lsn"], state["writable"]) == ("edit", 1, 1, True)
    assert state["capacity"]["free_bytes"] > 0
    assert state["state"] == "ok"


async def test_health_and_metrics(element: Element) -> None:
    await element.put()
    ready = await element.http.get("/health/ready")
    assert (ready.status_code, ready.json()["health"]) == (200, "ok")
    assert set(ready.json()["checks"]) == {"storage", "content", "clock", "postgres", "revocations", "audit"}
    assert "artstore_element_commits_total" in (await element.http.get("/metrics")).text


async def test_an_empty_file_is_a_file(element: Element) -> None:
    file = await element.put(b"")
    answer = await element.content(file.file_id)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert code(await element.content(file.file_id, range="bytes=0-")) == (416, "range_not_satisfiable")


async def test_a_repeated_create_gets_the_first_answer(element: Element) -> None:
    file_id = new_file_id()
    for content in (CONTENT, b"small"):
        file_id = new_file_id()
        first, second = await element.send(content, file_id), await element.send(content, file_id)
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.content == second.content
        assert code(await element.send(content + b".", file_id)) == (409, "file_exists")
        assert code(await element.send(content, file_id, collection="other")) == (409, "file_exists")
        assert (await element.content(file_id)).content == content
    assert element.staged() == []
