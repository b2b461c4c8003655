"""Every change keeps who wanted it, for whom, in which request and from where, in its journal record."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from part_sender import CONTENT, begun
from running_element import ELEMENT_ID, Element

from artstore_kit.contracts import batches
from artstore_kit.contracts.batches import BatchedFile
from artstore_kit.contracts.files import UploadAttributes
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, ACTING_FROM_HEADER
from artstore_kit.contracts.ids import new_file_id
from storage_element.adapters.local.journal import read_journal
from storage_element.domain import layout
from storage_element.domain.origin import MOMENT

NOW = datetime.now(UTC)


def origins(element: Element, file_id: UUID) -> list[tuple[dict[str, str], int]]:
    """Who wanted each change of a file, and when."""
    records = read_journal(element.root / layout.JOURNAL, ELEMENT_ID)
    found = [record.origin for record in records if record.file_id == file_id]
    return [(json.loads(origin[MOMENT.size :]), *MOMENT.unpack_from(origin)) for origin in found]


async def test_each_change_has_its_origin(element: Element) -> None:
    headers = {"X-Request-ID": "request-1", ACTING_FOR_HEADER: "anna", ACTING_FROM_HEADER: "198.51.100.7"}
    element.http.headers.update(headers)
    file = await element.put(b"small")
    await element.patch(file.file_id, tags=["changed"])
    await element.replace(file, bytes(200_000))
    await element.remove(file.file_id)
    found = origins(element, file.file_id)
    assert [each["action"] for each, _ in found] == ["file.create", "file.change", "file.replace", "file.remove"]
    who = {"actor": "tester", "client_id": "tester", "acting_for": "anna", "request_id": "request-1"}
    for each, moment_ms in found:
        assert each == {"action": each["action"], **who, "address": "198.51.100.7"}
        assert abs(moment_ms / 1000 - NOW.timestamp()) < 600


@pytest.mark.parametrize("size", [10, 300_000])
async def test_content_of_any_size_has_its_origin(element: Element, size: int) -> None:
    file = await element.put(bytes(size))
    assert [each["action"] for each, _ in origins(element, file.file_id)] == ["file.create"]


async def test_an_upload_in_parts_is_wanted_by_who_commits_it(element: Element) -> None:
    sender = await begun(element)
    await sender.append(0, CONTENT)
    element.http.headers["X-Request-ID"] = "that-commits"
    file = await sender.stored(CONTENT)
    [(found, _)] = origins(element, file.file_id)
    assert (found["action"], found["actor"], found["request_id"]) == ("file.create", "tester", "that-commits")


async def test_each_file_of_a_batch_has_its_own_request_and_sender(element: Element) -> None:
    file_ids = [new_file_id(), new_file_id()]
    parts = [part(file_id, f"sender-{at}", f"request-{at}", f"2001:db8::{at}") for at, file_id in enumerate(file_ids)]
    answer = await element.http.put("/api/v1/files", content=b"".join(parts))
    assert [status for status, _ in batches.answered(answer.content)] == [201, 201]
    for at, file_id in enumerate(file_ids):
        [(found, _)] = origins(element, file_id)
        assert (found["actor"], found["acting_for"], found["request_id"]) == ("tester", f"sender-{at}", f"request-{at}")
        assert found["address"] == f"2001:db8::{at}"


async def test_what_expires_is_wanted_by_the_element_itself(element: Element) -> None:
    retention: dict[str, Any] = {"expires_at": (NOW - timedelta(days=1)).isoformat()}
    file = await element.put(b"old", retention=retention)
    await element.services.writer.expire(file.file_id, NOW)
    assert origins(element, file.file_id)[-1][0] == {"action": "file.expire", "actor": "storage-element"}


def part(file_id: UUID, acting_for: str, request_id: str, address: str) -> bytes:
    file = BatchedFile(
        file_id=file_id,
        acting_for=acting_for,
        request_id=request_id,
        address=address,
        sha256=hashlib.sha256(b"x").hexdigest(),
        attributes=UploadAttributes(name="a.txt"),
    )
    return batches.request_part(file.model_dump_json(exclude_none=True).encode(), b"x")
