"""What only a storage element itself is asked: new content for a file, uploads in parts, care for what it keeps."""

import asyncio
import hashlib
import json
import os

import httpx

from artstore import ArtStore
from artstore_kit.contracts.files import ATTRIBUTES_HEADER, FileAttributes
from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.uploads import OFFSET_HEADER
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import MIB, Document, downloaded, until_found
from tests.fleet.elements import nothing_is_staged
from tests.fleet.people import newcomer
from tests.fleet.wire import Wire, refusal
from tools.fleet.fleet import Fleet

ELEMENT = "edit-1"


async def test_replaced_content_is_what_everybody_sees(store: ArtStore, wire: Wire) -> None:
    stored = await Document.of_size(2 * MIB).put(store)
    fresh = Document.of_size(3 * MIB)

    path, headers = f"/files/{stored.file_id}/content", {"If-Match": f'"{stored.content.sha256}"'}
    described = {**headers, ATTRIBUTES_HEADER: json.dumps({"name": fresh.name, "description": fresh.word})}
    answer = await wire.ask("PUT", ELEMENT, path, headers=described, content=fresh.content)
    late = await wire.ask("PUT", ELEMENT, path, headers=headers, content=b"too late")
    await until_found(store, fresh.word, fresh.name)

    assert answer.status_code == 200, answer.text
    replaced = FileAttributes.model_validate_json(answer.content)
    assert (replaced.content.version, replaced.content.sha256) == (2, fresh.sha256)
    assert await downloaded(store, stored.file_id) == fresh.content
    refusal(late, 412, "revision_mismatch")


async def test_an_upload_in_parts_goes_on_after_the_element_was_killed(
    fleet: Fleet, store: ArtStore, wire: Wire
) -> None:
    document = Document.of_size(5 * MIB)
    upload = await _begun(wire, document)

    assert (await _append(wire, upload, 0, document.content[:MIB])).status_code == 204
    await asyncio.to_thread(fleet.kill, ELEMENT)
    await asyncio.to_thread(fleet.start_one, ELEMENT)
    begins = (await wire.ask("GET", ELEMENT, upload)).json()["offset"]
    assert (await _append(wire, upload, begins, document.content[begins:])).status_code == 204
    answer = await wire.ask("POST", ELEMENT, f"{upload}/commit")
    await until_found(
        store, document.word, document.name, within_s=30
    )  # the index follows again some time after a kill

    assert begins == MIB
    assert answer.status_code == 201, answer.text
    stored = FileAttributes.model_validate_json(answer.content)
    assert stored.content.sha256 == hashlib.sha256(document.content).hexdigest()
    assert await downloaded(store, stored.file_id) == document.content


async def test_an_upload_that_is_given_up_leaves_nothing(fleet: Fleet, wire: Wire) -> None:
    upload = await _begun(wire, Document.of_size(MIB))
    await _append(wire, upload, 0, os.urandom(1000))

    answer = await wire.ask("DELETE", ELEMENT, upload)

    assert answer.status_code == 204
    refusal(await wire.ask("GET", ELEMENT, upload), 404, "upload_unknown")
    await nothing_is_staged(fleet)


async def test_an_element_looks_after_what_it_keeps(store: ArtStore, wire: Wire) -> None:
    operator = await newcomer(wire, "operator", [Scope.ELEMENTS_READ, Scope.ELEMENTS_WRITE])
    await Document.of_size(MIB).put(store)

    async def ask(method: str, path: str) -> httpx.Response:
        return await wire.ask(method, ELEMENT, f"/element/{path}", token=operator)

    for work in ("scrub", "reconcile"):
        for order in ("pause", "resume", "start"):
            assert (await ask("POST", f"{work}/{order}")).status_code == 202
    expiry, trusted = await ask("GET", "expiry"), await ask("POST", "expiry/trust-clock")

    async def scrubbed() -> bool:
        status = (await ask("GET", "scrub")).json()
        return bool(status["cursor"]["finished_at"]) and status["damaged"] == []

    async def reconciled() -> bool:
        return bool((await ask("GET", "reconcile")).json()["state"] == "idle")

    await eventually(scrubbed, within_s=30)
    await eventually(reconciled, within_s=30)
    assert (expiry.status_code, trusted.status_code) == (200, 200)


async def _begun(wire: Wire, document: Document) -> str:
    """The path of a new upload."""
    creation = {
        "file_id": str(new_file_id()),
        "size": len(document.content),
        "attributes": {"name": document.name, "description": document.word},
    }
    answer = await wire.ask("POST", ELEMENT, "/uploads", json=creation)
    assert answer.status_code == 201, answer.text
    return f"/uploads/{answer.json()['upload_id']}"


async def _append(wire: Wire, upload: str, offset: int, part: bytes) -> httpx.Response:
    return await wire.ask("PATCH", ELEMENT, upload, headers={OFFSET_HEADER: str(offset)}, content=part)
