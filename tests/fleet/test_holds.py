"""A legal hold, from the ingester to the disk, and over the element's death."""

import asyncio
import json

import pytest

from artstore import ArtStore
from tests.fleet.documents import Document
from tests.fleet.people import administrator
from tests.fleet.wire import Wire, refusal
from tools.fleet.fleet import Fleet


@pytest.mark.parametrize(("retention", "element"), [("temporary", "edit-1"), ("permanent", "rw-1")])
async def test_a_held_file_stays_as_it_is(
    fleet: Fleet, store: ArtStore, wire: Wire, retention: str, element: str
) -> None:
    document = Document.of_size(1000, retention=retention)
    file = await document.put(store)
    path, token = f"/files/{file.file_id}", await administrator(wire)
    hold = f"{path}/holds/case-7"

    placed = await wire.ask("PUT", "ingester", hold, token=token, json={"reason": "court"})
    await asyncio.to_thread(fleet.kill, element)
    await asyncio.to_thread(fleet.start_one, element)
    (on_disk,) = (fleet.layout.element(element) / "files").rglob(f"{file.file_id}.attr.json")

    assert placed.json()["holds"] == [{"id": "case-7", "reason": "court"}] == json.loads(on_disk.read_bytes())["holds"]
    for service in ("ingester", element):
        refusal(await wire.ask("PATCH", service, path, json={"tags": ["x"]}), 409, "file_held")
        code = "mode_forbids" if retention == "permanent" else "file_held"
        refusal(await wire.ask("DELETE", service, path), 409, code)
    assert (await wire.ask("GET", element, f"{path}/content")).content == document.content


async def test_who_may_write_may_not_hold(store: ArtStore, wire: Wire) -> None:
    file = await Document.of_size(10).put(store)
    for service in ("ingester", "edit-1"):
        for method in ("PUT", "DELETE"):
            answer = await wire.ask(method, service, f"/files/{file.file_id}/holds/case-7", json={})
            refusal(answer, 403, "scope_missing")
