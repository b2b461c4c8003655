"""Whatever is wrong with a request has a stable code and leaves nothing behind."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator

import pytest
from running_element import MIB, Element, code

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.contracts.ids import LATEST_MS, new_file_id
from artstore_kit.digests import format_sha256

LARGE = bytes(2 * MIB)
GOOD = {ATTRIBUTES_HEADER: '{"name": "x"}'}
DIGEST = format_sha256(hashlib.sha256(b"content").digest())
OTHER_DIGEST = format_sha256(bytes(32))

INVALID_ATTRIBUTES = [
    {},
    {"name": ""},
    {"name": "  "},
    {"name": "a/b"},
    {"name": "..\\windows"},
    {"name": ".."},
    {"name": "a\x00b"},
    {"name": "a\nb"},
    {"name": "a\x7fb"},
    {"name": "a\x85b"},
    {"name": "x" * 1001},
    {"name": "я" * 513},
    {"name": 7},
    {"name": "x", "unknown": 1},
    {"name": "x", "media_type": "text"},
    {"name": "x", "media_type": "text/plain\r\nX-Evil: 1"},
    {"name": "x", "media_type": "текст/plain"},
    {"name": "x", "collection": "../etc"},
    {"name": "x", "collection": ""},
    {"name": "x", "tags": [""]},
    {"name": "x", "tags": ["a"] * 65},
    {"name": "x", "description": "a\x00"},
    {"name": "x", "metadata": {"a": "\x00"}},
    {"name": "x", "metadata": {"a\n": 1}},
    {"name": "x", "retention": {"kind": "forever"}},
    {"name": "x", "retention": {"retain_until": "tomorrow"}},
    {"name": "x", "retention": {"retain_until": "2030-01-01T00:00:00"}},
    {"name": "x", "retention": {"unknown": "\x00"}},
    {"name": "x", "holds": [{"id": ""}]},
]

UNREADABLE_ATTRIBUTES = [b"", b"{", b"[]", b"null", b'"x"', b'{"name": "\\ud800"}', b'{"name": "\xff"}', b"[" * 5000]

NAMES = [
    "x" * 1000,
    "😀 emoji 👩‍👩‍👧.pdf",
    "\N{RIGHT-TO-LEFT MARK}עברית \N{RIGHT-TO-LEFT OVERRIDE}fdp.exe",
    "обычный отчёт.docx",
    " leading and trailing ",
    "%2e%2e%2fetc%2fpasswd",
    'quotes " and ; semicolons',
    "CON",
    "-rf",
]


@pytest.fixture
def element(lasting_element: Element) -> Iterator[Element]:
    """Whatever a test does here, nothing stays in staging."""
    yield lasting_element
    assert lasting_element.staged() == []


@pytest.fixture
def untouched(element: Element) -> Iterator[Element]:
    """Whatever a test does here, nothing is stored."""
    before = element.services.committer.placed_lsn
    yield element
    assert element.services.committer.placed_lsn == before


@pytest.mark.parametrize("given", INVALID_ATTRIBUTES)
async def test_attributes_that_are_not_allowed(untouched: Element, given: dict[str, object]) -> None:
    headers = {ATTRIBUTES_HEADER: json.dumps(given)}
    answer = await untouched.http.put(f"/api/v1/files/{new_file_id()}", headers=headers, content=b"content")
    assert code(answer) == (422, "invalid_attributes")
    assert answer.json()["errors"]


@pytest.mark.parametrize("given", UNREADABLE_ATTRIBUTES)
async def test_attributes_that_cannot_be_read(untouched: Element, given: bytes) -> None:
    headers = [(ATTRIBUTES_HEADER.encode(), given)]
    answer = await untouched.http.put(f"/api/v1/files/{new_file_id()}", headers=headers, content=b"content")
    assert code(answer) == (422, "invalid_attributes")


async def test_attributes_that_are_absent(untouched: Element) -> None:
    assert code(await untouched.http.put(f"/api/v1/files/{new_file_id()}", content=b"x")) == (400, "bad_request")


@pytest.mark.parametrize("content", [b"content", LARGE])
async def test_attributes_that_are_too_large(untouched: Element, content: bytes) -> None:
    for attributes in ({"metadata": {"a": "x" * 4000}}, {"description": "я" * 2500}):
        assert code(await untouched.send(content, **attributes)) == (422, "attributes_too_large")


@pytest.mark.parametrize("name", NAMES)
async def test_strange_names_are_names(element: Element, name: str) -> None:
    """They are kept as they are, in attr.json alone: no name reaches the disk or splits a header."""
    for headers in (
        {ATTRIBUTES_HEADER: json.dumps({"name": name})},
        {ATTRIBUTES_HEADER.encode(): json.dumps({"name": name}, ensure_ascii=False).encode()},
    ):
        file_id = new_file_id()
        answer = await element.http.put(f"/api/v1/files/{file_id}", headers=headers, content=b"x")
        assert (answer.status_code, answer.json()["content"]["name"]) == (201, name)
        answer = await element.content(file_id)
        assert answer.content == b"x"
        assert answer.headers["content-disposition"].isascii()


@pytest.mark.parametrize("content", [b"content", LARGE])
@pytest.mark.parametrize("header", ["Repr-Digest", "Content-Digest"])
async def test_a_wrong_digest(element: Element, content: bytes, header: str) -> None:
    url = f"/api/v1/files/{new_file_id()}"
    answer = await element.http.put(url, headers={**GOOD, header: OTHER_DIGEST}, content=content)
    assert code(answer) == (400, "digest_mismatch")
    right = format_sha256(hashlib.sha256(content).digest())
    assert (await element.http.put(url, headers={**GOOD, header: right}, content=content)).status_code == 201


async def test_digests_that_disagree_and_digests_that_cannot_be_read(element: Element) -> None:
    url = f"/api/v1/files/{new_file_id()}"
    both = {**GOOD, "Repr-Digest": DIGEST, "Content-Digest": OTHER_DIGEST}
    assert code(await element.http.put(url, headers=both, content=b"content")) == (400, "digest_mismatch")
    for text in ("sha-256=abc", "sha-256=:!:", "sha-256=:AAAA:", "=", "sha-256=:", "sha-256"):
        answer = await element.http.put(url, headers={**GOOD, "Repr-Digest": text}, content=b"content")
        assert code(answer) == (400, "bad_digest_header")
    other = {**GOOD, "Repr-Digest": "md5=:AAAA:, sha-512=:AAAA:"}
    assert (await element.http.put(f"/api/v1/files/{new_file_id()}", headers=other, content=b"x")).status_code == 201


STRANGE_IDS = [
    "nonsense",
    "00000000-0000-0000-0000-000000000000",
    "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
    str(new_file_id()).upper(),
    str(new_file_id()).replace("-", ""),
    "{" + str(new_file_id()) + "}",
    str(new_file_id(LATEST_MS + 1)),
    "ffffffff-ffff-7fff-bfff-ffffffffffff",
    "..%2f..%2fetc",
    "%00",
]


@pytest.mark.parametrize("file_id", STRANGE_IDS)
async def test_strange_ids(element: Element, file_id: str) -> None:
    """Also those that spell a moment which no directory can: one of them must not stop the element."""
    url = f"/api/v1/files/{file_id}"
    answers = [
        await element.http.put(url, headers=GOOD, content=b"x"),
        await element.http.get(url),
        await element.http.get(f"{url}/content"),
        await element.http.patch(url, json={"tags": []}),
        await element.http.delete(url),
    ]
    refusals = {(404, "not_found"), (405, "method_not_allowed")} if "%2f" in file_id else {(422, "invalid_fields")}
    assert {code(answer) for answer in answers} <= refusals
    assert (await element.send()).status_code == 201


async def test_unknown_files(element: Element) -> None:
    url = f"/api/v1/files/{new_file_id()}"
    for answer in (
        await element.http.get(url),
        await element.http.get(f"{url}/content"),
        await element.http.patch(url, json={"tags": []}),
        await element.http.delete(url),
    ):
        assert code(answer) == (404, "file_unknown")


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"{", (400, "bad_request")),
        (b"", (422, "invalid_fields")),
        (b"[]", (422, "invalid_fields")),
        (b'{"unknown": 1}', (422, "invalid_fields")),
        (b'{"name": "a/b"}', (422, "invalid_fields")),
        (b'{"holds": []}', (422, "invalid_fields")),
        (b'{"tags": "x"}', (422, "invalid_fields")),
        (b'{"name": "\\ud800"}', (422, "invalid_fields")),
        (b'{"metadata": {"a": "\\u0000"}}', (422, "invalid_fields")),
        (b'{"metadata": ' + b'{"a":' * 50 + b"1" + b"}" * 50 + b"}", (422, "invalid_fields")),
        (b"[" * 100_000, (400, "bad_request")),
        (b" " * (MIB + 1), (413, "body_too_large")),
    ],
)
async def test_changes_that_are_not_allowed(element: Element, body: bytes, refusal: tuple[int, str]) -> None:
    file = await element.put()
    headers = {"content-type": "application/json"}
    answer = await element.http.patch(f"/api/v1/files/{file.file_id}", content=body, headers=headers)
    assert code(answer) == refusal
    assert (await element.attributes(file.file_id)) == file


@pytest.mark.parametrize("content", [b"content", LARGE])
async def test_a_body_shorter_than_announced(untouched: Element, content: bytes) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield content

    headers = {**GOOD, "Content-Length": str(len(content) + 1)}
    answer = await untouched.http.put(f"/api/v1/files/{new_file_id()}", headers=headers, content=body())
    assert code(answer) == (400, "incomplete_body")


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/files?limit=1001", (422, "invalid_fields")),
        ("/files?limit=x", (422, "invalid_fields")),
        ("/files?cursor=%00", (400, "bad_cursor")),
        ("/files?cursor=WzFd", (400, "bad_cursor")),
        ("/files?cursor=" + "W1tb" * 5000, (400, "bad_cursor")),
        ("/changes?after=-1", (422, "invalid_fields")),
        ("/changes?after=9223372036854775808", (422, "invalid_fields")),
        ("/changes?limit=0", (422, "invalid_fields")),
        ("/changes?wait_s=61", (422, "invalid_fields")),
        ("/changes?wait_s=nan", (422, "invalid_fields")),
        ("/nothing", (404, "not_found")),
    ],
)
async def test_queries_that_are_not_allowed(element: Element, path: str, refusal: tuple[int, str]) -> None:
    assert code(await element.http.get(f"/api/v1{path}")) == refusal


async def test_methods_that_are_not_there(element: Element) -> None:
    for method, path in (("POST", f"/files/{new_file_id()}"), ("PATCH", "/files"), ("DELETE", "/changes")):
        assert code(await element.http.request(method, f"/api/v1{path}")) == (405, "method_not_allowed")
