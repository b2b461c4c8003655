"""Many small files in one request: each is on its own."""

import hashlib
import json
import struct
from uuid import UUID

import httpx
import pytest
from running_element import Element, ElementAt, code

from artstore_kit.contracts import batches
from artstore_kit.contracts.batches import BatchedFile
from artstore_kit.contracts.files import FileAttributes, UploadAttributes
from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.admin import AdminStandIn

ONE_DESCRIPTION = b'{"file_id":"x"}'


def part(content: bytes, file_id: UUID | None = None, sha256: str = "", **attributes: object) -> bytes:
    given = UploadAttributes.model_validate({"name": "a.txt", **attributes})
    digest = sha256 or hashlib.sha256(content).hexdigest()
    file = BatchedFile(file_id=file_id or new_file_id(), acting_for="someone", sha256=digest, attributes=given)
    return batches.request_part(file.model_dump_json(exclude_none=True).encode(), content)


async def put(element: Element, body: bytes, **headers: str) -> httpx.Response:
    return await element.http.put("/api/v1/files", content=body, headers=headers)


async def outcomes(element: Element, body: bytes) -> list[tuple[int, dict[str, object]]]:
    answer = await put(element, body)
    assert answer.status_code == 200, answer.text
    return [(status, json.loads(document)) for status, document in batches.answered(answer.content)]


async def test_every_file_is_stored_and_read_back(element: Element) -> None:
    contents = [b"", b"one", bytes(200_000)]
    answer = await put(element, b"".join(map(part, contents)))
    files = [FileAttributes.model_validate_json(document) for _, document in batches.answered(answer.content)]
    assert [(await element.content(file.file_id)).content for file in files] == contents
    assert {file.uploaded_by for file in files} == {"someone"}
    assert element.staged() == []


async def test_a_repeated_file_is_the_same_file(element: Element) -> None:
    same = part(b"x", new_file_id())
    assert [status for status, _ in await outcomes(element, same)] == [201]
    assert [status for status, _ in await outcomes(element, same + part(b"y"))] == [200, 201]


async def test_one_that_is_refused_does_not_concern_the_others(element: Element) -> None:
    taken = new_file_id()
    await element.put(b"other", taken)
    body = (
        part(b"1")
        + part(b"2", sha256="0" * 64)
        + part(b"3", metadata={"k": "x" * 4096})
        + part(b"4", taken)
        + part(b"5")
    )
    answered = await outcomes(element, body)
    assert [status for status, _ in answered] == [201, 400, 422, 409, 201]
    codes = [document.get("code") for _, document in answered]
    assert codes == [None, "digest_mismatch", "attributes_too_large", "file_exists", None]


async def test_the_mode_forbids_each(element_at: ElementAt, root: object) -> None:
    async with element_at(root, mode=Mode.RO) as element:  # type: ignore[arg-type]
        assert [document["code"] for _, document in await outcomes(element, part(b"1"))] == ["mode_forbids"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"abc",
        part(b"content")[:-1],
        struct.pack("<II", 2**32 - 1, 0),
        struct.pack("<II", len(ONE_DESCRIPTION), 0) + ONE_DESCRIPTION,
        b"".join(part(b"") for _ in range(65)),
    ],
    ids=["empty", "no sizes", "cut off", "huge size", "no description", "too many"],
)
async def test_what_cannot_be_read_stores_nothing(element: Element, body: bytes) -> None:
    assert code(await put(element, body)) == (400, "bad_request")
    assert element.services.committer.placed_lsn == 0


async def test_a_body_beyond_the_limit_is_refused(element: Element) -> None:
    assert code(await put(element, bytes(batches.MOST_BYTES + 1))) == (413, "body_too_large")


async def test_only_a_service_that_acts_for_others_may_send_them(element: Element, admin: AdminStandIn) -> None:
    token = admin.mint.bearer("somebody", scopes=[Scope.FILES_WRITE])
    assert code(await put(element, part(b"1"), **token)) == (403, "scope_missing")


async def test_an_id_that_is_no_uuid_of_version_7_is_refused(element: Element) -> None:
    answered = await outcomes(element, part(b"1", UUID("7b8f9c1e-4a52-4f0c-9d8f-2f4c1f1f1f1f")))
    assert [(status, document["code"]) for status, document in answered] == [(422, "invalid_fields")]
