"""Files handed in as `multipart/form-data`."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import httpx
import pytest

from artstore_kit.contracts.files import ATTRIBUTES_HEADER, FileAttributes
from artstore_kit.contracts.identity import Action, Grant
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.element import StandInElement
from artstore_kit.testing.patience import eventually
from ingester_module.config import UploadsSettings

FILES = "/api/v1/files"
BOUNDARY = "----boundary"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
LARGE = (b"\r\n--" + BOUNDARY.encode()[:-1]) * 100_000
type Start = Callable[..., Awaitable[httpx.AsyncClient]]


def part(name: str, data: bytes | str, *more: str, file_name: str | None = None) -> bytes:
    value = f'form-data; name="{name}"' + (f'; filename="{file_name}"' if file_name is not None else "")
    head = "\r\n".join([f"--{BOUNDARY}", f"Content-Disposition: {value}", *more, "", ""])
    return head.encode() + (data.encode() if isinstance(data, str) else data) + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def document(**described: object) -> bytes:
    return part("attributes", json.dumps(described), "Content-Type: application/json")


def stored(answer: httpx.Response) -> FileAttributes:
    assert answer.status_code == 201, answer.text
    return FileAttributes.model_validate_json(answer.content)


def refused(answer: httpx.Response, status: int, code: str, says: str = "") -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert says in answer.json()["detail"]


async def test_attributes_as_json_and_a_file(client: httpx.AsyncClient, edit: StandInElement) -> None:
    file_part = part("file", b"content", "Content-Type: text/plain", file_name="other.txt")
    body = form(document(name="отчёт.txt", tags=["a"]), file_part)
    file = stored(await client.post(FILES, content=body, headers=FORM))
    assert edit.files[file.file_id].content == b"content"
    assert (file.content.name, file.content.media_type, file.tags) == ("отчёт.txt", "text/plain", ["a"])


async def test_single_fields_as_a_browser_sends_them(client: httpx.AsyncClient, rw: StandInElement) -> None:
    answer = await client.post(
        FILES,
        data={"collection": "hr", "retention": "permanent", "tag": ["a", "б"], "description": "строка"},
        files={"file": ("отчёт.pdf", b"%PDF", "application/pdf")},
    )
    file = stored(answer)
    assert rw.files[file.file_id].content == b"%PDF"
    assert (file.content.name, file.content.media_type) == ("отчёт.pdf", "application/pdf")
    assert (file.collection, file.tags, file.description) == ("hr", ["a", "б"], "строка")


async def test_a_file_alone_is_named_as_its_part_says(client: httpx.AsyncClient) -> None:
    named = {"C:\\Users\\a.txt": "a.txt", "folder/a.txt": "a.txt", "": "file", None: "file"}
    for file_name, name in named.items():
        body = form(part("file", b"x", file_name=file_name))
        assert stored(await client.post(FILES, content=body, headers=FORM)).content.name == name


@pytest.mark.parametrize("content", [b"", b"\r\n", b"--", b"\r\n--" + BOUNDARY.encode()[:-1], bytes(300_000), LARGE])
@pytest.mark.parametrize("step", [1_000_000, 70_001])
async def test_content_arrives_bit_for_bit(
    client: httpx.AsyncClient, edit: StandInElement, content: bytes, step: int
) -> None:
    body = form(document(name="a"), part("file", content))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), step):
            yield body[start : start + step]

    file = stored(await client.post(FILES, content=pieces(), headers=FORM))
    assert edit.files[file.file_id].content == content
    assert file.content.sha256 == hashlib.sha256(content).hexdigest()


async def test_a_boundary_may_arrive_byte_by_byte(client: httpx.AsyncClient, edit: StandInElement) -> None:
    body = form(document(name="a"), part("file", b"content\r\n"))

    async def bytewise() -> AsyncIterator[bytes]:
        for byte in body:
            yield bytes([byte])

    file = stored(await client.post(FILES, content=bytewise(), headers=FORM))
    assert edit.files[file.file_id].content == b"content\r\n"


FILE = part("file", b"x", file_name="a")
TWO_FILES = (part("file", bytes(300_000), file_name="a"), FILE)


WRONG_FORMS: list[tuple[Sequence[bytes], str]] = [
    ([document(name="a")], "no part named 'file'"),
    ([], "no part named 'file'"),
    ([FILE, FILE], "one file"),
    (TWO_FILES, "one file"),
    ([FILE, document(name="a")], "'attributes' must come before"),
    ([part("file", bytes(300_000)), document(name="a")], "'attributes' must come before"),
    ([part("tag", "t")] * 101 + [FILE], "more than 100 fields"),
    ([part("description", "d" * 40_000), FILE], "more than"),
    ([part("description", b"\xff"), FILE], "UTF-8"),
    ([part("file", "eA==", "Content-Transfer-Encoding: base64")], "Content-Transfer-Encoding"),
    ([f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nx\r\n".encode(), FILE], "Content-Disposition"),
    ([f"--{BOUNDARY}\r\nno header\r\n\r\nx\r\n".encode(), FILE], "not the form"),
    ([b"--another\r\n", FILE], "not the form"),
]


async def test_a_form_that_is_wrong(client: httpx.AsyncClient, edit: StandInElement) -> None:
    for parts, says in WRONG_FORMS:
        refused(await client.post(FILES, content=form(*parts), headers=FORM), 400, "bad_request", says)
        assert not edit.files
        assert not edit.uploads


UNUSABLE_FIELDS = [
    [document(name="a"), part("collection", "hr"), FILE],
    [document(name="a"), document(name="b"), FILE],
    [part("attributes", "{"), FILE],
    [part("attributes", json.dumps({"name": "a", "metadata": {"x": "y" * 17_000}})), FILE],
    [part("colour", "red"), FILE],
    [part("name", "a"), part("name", "b"), FILE],
    [part("name", "a/b"), FILE],
]


async def test_fields_that_describe_no_file(client: httpx.AsyncClient, edit: StandInElement) -> None:
    for parts in UNUSABLE_FIELDS:
        refused(await client.post(FILES, content=form(*parts), headers=FORM), 422, "invalid_attributes")
        assert not edit.files


async def test_a_form_that_ends_early(client: httpx.AsyncClient, edit: StandInElement) -> None:
    bodies = [document(name="a") + part("file", content) for content in (b"", b"small", bytes(2_000_000))]
    for cut in [*bodies, *(body[:-3] for body in bodies), bodies[0][: len(document(name="a")) - 5]]:
        refused(await client.post(FILES, content=cut, headers=FORM), 400, "incomplete_body")

    async def nothing_under_way() -> bool:
        """The element hears of the cut in its own time."""
        return not edit.uploads

    await eventually(nothing_under_way)
    assert not edit.files


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "b" * 300],
)
async def test_a_form_without_a_usable_boundary(client: httpx.AsyncClient, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    refused(await client.post(FILES, content=form(FILE), headers=headers), 400, "bad_request", "boundary")


async def test_a_form_described_outside_of_it(client: httpx.AsyncClient) -> None:
    described = FORM | {ATTRIBUTES_HEADER: '{"name": "a"}'}
    refused(await client.post(FILES, content=form(FILE), headers=described), 400, "bad_request")
    refused(await client.post(f"{FILES}?name=a", content=form(FILE), headers=FORM), 400, "bad_request")


async def test_rights_and_limits_hold_for_forms_too(start: Start, edit: StandInElement, admin: AdminStandIn) -> None:
    client = await start(edit, uploads=UploadsSettings(max_size_bytes=100, refused_media_types="video/*"))
    reading = Grant(collection="*", actions=frozenset({Action.READ}))
    headers = FORM | {"Authorization": f"Bearer {admin.mint.mint(grants=[reading])}"}
    refused(await client.post(FILES, content=form(FILE), headers=headers), 403, "grant_missing")
    video = form(part("file", b"x", "Content-Type: video/mp4"))
    refused(await client.post(FILES, content=video, headers=FORM), 415, "media_type_refused")
    for size in (101, 3_000_000):
        body = form(part("file", bytes(size)))
        refused(await client.post(FILES, content=body, headers=FORM), 413, "file_too_large")
    assert not edit.files
