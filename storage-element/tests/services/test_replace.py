"""New content for a file: a version of its own, durable before the answer; the old one stays for its readers."""

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from element_core import ASKER, Core, open_core
from running_element import Element, ElementAt, arriving, code

from artstore_kit.contracts.errors import UploadInProgress
from artstore_kit.contracts.files import ATTRIBUTES_HEADER, AttributeChanges, FileAttributes
from artstore_kit.contracts.ids import new_file_id
from storage_element.adapters.local.files import LocalFiles
from storage_element.domain import layout
from storage_element.domain.records import Kind
from storage_element.services import write
from storage_element.services.drafts import Draft
from storage_element.services.write import Replacement

TOO_LARGE = (422, "attributes_too_large")
LARGE = bytes(range(256)) * 4 * 1024 + b"odd end"


@pytest.mark.parametrize("content", [b"", b"small", LARGE], ids=["empty", "small", "large"])
async def test_content_is_replaced_by_a_version_of_its_own(element: Element, content: bytes) -> None:
    before = await element.put(b"before", name="report.txt", tags=["a"], description="kept")
    answer = await element.replace(before, content)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"r2"')
    file = FileAttributes.model_validate_json(answer.content)
    assert (file.content.version, file.content.size, file.revision) == (2, len(content), 2)
    assert file.content.sha256 == file.content.stored_sha256 == hashlib.sha256(content).hexdigest()
    assert (file.content.name, file.tags, file.description) == ("report.txt", ["a"], "kept")
    assert file.uploaded_at > before.uploaded_at
    assert (await element.content(file.file_id)).content == content
    assert element.content_path(file).read_bytes() == content
    page = await element.feed_up_to(2)
    assert [(change.lsn, change.attributes) for change in page.items] == [(2, file)]
    assert element.staged() == []


async def test_attributes_may_change_with_it(element: Element) -> None:
    file = await element.put(b"before", name="a.txt")
    answer = await element.replace(file, b"{}", name="b.json", media_type="application/json", tags=["new"])
    changed = FileAttributes.model_validate_json(answer.content)
    assert (changed.content.name, changed.content.media_type, changed.tags) == ("b.json", "application/json", ["new"])
    assert changed.revision == 2


@pytest.mark.parametrize("tag", ['"r1"', "content", "*", None])
async def test_what_it_replaces_may_be_named(element: Element, tag: str | None) -> None:
    file = await element.put(b"before")
    assert (await element.replace(file, b"after", f'"{file.content.sha256}"' if tag == "content" else tag)).is_success
    for old in ('"r1"', f'"{file.content.sha256}"'):
        assert code(await element.replace(file, b"too late", old)) == (412, "revision_mismatch")
    assert (await element.content(file.file_id)).content == b"after"


async def test_what_must_be_kept_is_not_replaced(element: Element) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    held = await element.put(b"evidence", holds=[{"id": "case-7"}])
    retained = await element.put(b"ledger", retention={"retain_until": until.isoformat()})
    assert code(await element.replace(held, b"other")) == (409, "file_held")
    assert code(await element.replace(retained, b"other")) == (409, "file_retained")
    assert (await element.content(held.file_id)).content == b"evidence"
    assert (await element.content(retained.file_id)).content == b"ledger"


async def test_a_refused_replacement_changes_nothing(element: Element) -> None:
    file = await element.put(b"before")
    path = f"/api/v1/files/{file.file_id}/content"
    digest = {"Repr-Digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"}
    refusals = [
        (await element.http.put(path, content=LARGE, headers=digest), (400, "digest_mismatch")),
        (await element.http.put(path, content=b"x", headers={ATTRIBUTES_HEADER: "{"}), (422, "invalid_attributes")),
        (
            await element.replace(file, b"x", description="d" * 3000, tags=["é" * 64] * 20),
            (422, "attributes_too_large"),
        ),
        (await element.http.put(f"/api/v1/files/{new_file_id()}/content", content=b"x"), (404, "file_unknown")),
    ]
    assert [code(answer) for answer, _ in refusals] == [expected for _, expected in refusals]
    assert await element.attributes(file.file_id) == file
    assert (await element.content(file.file_id)).content == b"before"
    assert element.staged() == []


async def test_a_reader_comes_to_the_end_of_what_was_replaced(element_at: ElementAt, root: Path) -> None:
    async with element_at(root) as element:
        file = await element.put(LARGE)
        async with element.services.reader.content(file) as content:
            chunks = content.chunks(0, len(LARGE))
            first = bytes(await anext(chunks))
            assert (await element.replace(file, b"after")).is_success
            await element.services.checkpoint.run()
            assert first + b"".join([bytes(chunk) async for chunk in chunks]) == LARGE
        assert element.content_path(file).exists()


async def test_of_two_who_replace_at_once_the_later_one_is_told(element: Element) -> None:
    """Its content was received as the version that is there now."""
    file = await element.put(b"before")
    goes_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"slow"
        await goes_on.wait()

    replacement = Replacement(file.file_id, AttributeChanges(), ASKER)
    late = asyncio.create_task(element.services.writer.replace(replacement, arriving(slow())))
    await asyncio.sleep(0)
    assert (await element.replace(file, b"quick")).is_success
    goes_on.set()
    with pytest.raises(UploadInProgress, match="replaced the content meanwhile"):
        await late
    assert (await element.content(file.file_id)).content == b"quick"
    assert element.staged() == []


async def test_whoever_looks_after_the_file_is_waited_for(element: Element) -> None:
    """Not at the end of a large upload is its sender told to send it all again."""
    file = await element.put(b"before")
    reservations = element.services.writer._reservations
    with reservations.alone(file.file_id):
        replacing = [asyncio.create_task(element.replace(file, content)) for content in (LARGE, LARGE)]
        await asyncio.sleep(0.2)
        assert not any(each.done() for each in replacing)
        assert (await element.content(file.file_id)).content == b"before"
    answers = [await each for each in replacing]
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert (await element.content(file.file_id)).content == LARGE
    assert element.staged() == []


async def test_whoever_never_ends_is_not_waited_for_for_ever(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "HOLDER_ENDS_WITHIN_S", 0.1)
    file = await element.put(b"before")
    with element.services.writer._reservations.alone(file.file_id):
        assert code(await element.replace(file, LARGE)) == (409, "upload_in_progress")
    assert element.staged() == []
    assert (await element.replace(file, LARGE)).status_code == 200


async def replaced(core: Core, file: FileAttributes, content: bytes) -> FileAttributes:
    fresh = file.model_copy(deep=True)
    fresh.revision += 1
    fresh.content.version += 1
    fresh.content.size = fresh.content.stored_size = len(content)
    fresh.content.sha256 = fresh.content.stored_sha256 = hashlib.sha256(content).hexdigest()
    core.superseded.add(file.file_id, file.content.version)
    return await core.commit(Draft(Kind.REPLACE_INLINE, fresh, content))


def contents(core: Core) -> dict[str, bytes]:
    return {Path(name).suffix: data for name, data in core.tree().items() if not name.endswith(".json")}


async def test_old_versions_go_at_the_checkpoint_after_their_grace(root: Path) -> None:
    async with open_core(root) as core:
        file = await replaced(core, await core.create(b"one"), b"two")
        assert contents(core) == {".v1": b"one", ".v2": b"two"}
        await core.checkpoint.run()
        assert contents(core) == {".v2": b"two"}
        await replaced(core, file, b"three")
        with core.reservations.alone(file.file_id):
            await core.checkpoint.run()
            assert set(contents(core)) == {".v2", ".v3"}
        await core.checkpoint.run()
        assert contents(core) == {".v3": b"three"}


async def test_an_id_that_was_given_again_keeps_its_content(root: Path) -> None:
    async with open_core(root) as core:
        file = await replaced(core, await core.create(b"one"), b"two")
        await core.commit(Draft(Kind.REMOVE, file))
        assert core.tree() == {}
        await core.create(
            b"another", file.model_copy(update={"content": file.content.model_copy(update={"version": 1})})
        )
        await core.checkpoint.run()
        assert contents(core) == {".v1": b"another"}


@pytest.mark.parametrize("placed", [True, False])
async def test_a_replacement_survives_a_crash(root: Path, monkeypatch: pytest.MonkeyPatch, placed: bool) -> None:
    async with open_core(root) as core:
        small = await core.create(b"one")
        large = await core.create(b"first")
        staging = core.storage.files.stage(large.file_id, 2, 0)
        await staging.write(LARGE)
        await staging.finish()
        staging.hand_over()
        fresh = large.model_copy(deep=True)
        fresh.content.version, fresh.content.size = 2, len(LARGE)
        if not placed:
            monkeypatch.setattr(LocalFiles, "place", lambda *_: None)
        await replaced(core, small, b"two")
        await core.commit(Draft(Kind.REPLACE_STAGED, fresh, b"", staging.name))
        await staging.discard()
    monkeypatch.undo()
    async with open_core(root) as again:
        found = {name: data for name, data in again.tree().items() if ".v2" in name}
        assert sorted(found.values(), key=len) == [b"two", LARGE]
        for file in (small, large):
            stored = FileAttributes.model_validate_json(again.files.read_attributes(file.file_id))
            assert stored.content.version == 2
        assert list((root / layout.STAGING).glob("*/*")) == []


@pytest.mark.parametrize("fails", ["parsing", "reading"])
async def test_attributes_that_cannot_be_read_keep_old_versions_and_no_checkpoint_from_its_end(
    root: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    async with open_core(root) as core:
        files = [await core.create(b"one") for _ in range(2)]
        for file in files:
            await replaced(core, file, b"two")
        path = root / layout.attributes_path(files[0].file_id)
        read = LocalFiles.read_attributes

        def unreadable(self: LocalFiles, file_id: UUID) -> bytes:
            if file_id == files[0].file_id:
                raise OSError(errno.EIO, "Input/output error")
            return read(self, file_id)

        if fails == "parsing":
            path.write_bytes(b"{")
        else:
            monkeypatch.setattr(LocalFiles, "read_attributes", unreadable)
        await core.checkpoint.run()
        old = [(root / layout.content_path(file.file_id, 1)).exists() for file in files]
        assert old == [True, False]
