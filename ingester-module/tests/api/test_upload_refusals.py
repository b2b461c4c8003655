"""Each refusal of an upload: its status and code, and that nothing is left behind."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.digests import format_sha256
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.element import StandInElement
from ingester_module.config import UploadsSettings

FILES = "/api/v1/files"
LARGE = bytes(range(256)) * 4096
WRONG = format_sha256(bytes(32))
type Start = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture(autouse=True)
def nothing_left(edit: StandInElement, rw: StandInElement) -> Iterator[None]:
    """No refused upload leaves a file, or an upload under way."""
    yield
    assert not edit.files
    assert not rw.files
    assert not edit.uploads | rw.uploads


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


async def test_no_token(client: httpx.AsyncClient) -> None:
    answer = await client.post(FILES, params={"name": "a"}, content=b"x", headers={"Authorization": ""})
    refused(answer, 401, "not_authenticated")
    assert "Bearer" in answer.headers["www-authenticate"]


async def test_a_token_without_the_scope(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    headers = admin.mint.bearer(scopes=[Scope.FILES_READ])
    refused(await client.post(FILES, params={"name": "a"}, content=b"x", headers=headers), 403, "scope_missing")


@pytest.mark.parametrize("collection", ["default", "hr", "hr/2026"])
async def test_a_collection_without_a_grant_to_write(
    client: httpx.AsyncClient, admin: AdminStandIn, collection: str
) -> None:
    reading = Grant(collection="hr/*", actions=frozenset({Action.READ}))
    writing = Grant(collection="contracts", actions=frozenset({Action.WRITE}))
    headers = {"Authorization": f"Bearer {admin.mint.mint(grants=[reading, writing])}"}
    params = {"name": "a", "collection": collection}
    refused(await client.post(FILES, params=params, content=b"x", headers=headers), 403, "grant_missing")


QUERIES_THAT_DESCRIBE_NO_FILE = [
    ("", "bad_request"),
    ("name=a&name=b", "invalid_attributes"),
    ("collection=default", "invalid_attributes"),
    ("name=a&colour=red", "invalid_attributes"),
    ("name=a&retention=forever", "invalid_attributes"),
    ("name=a&media_type=text", "invalid_attributes"),
    ("name=a&collection=../etc", "invalid_attributes"),
    ("name=..%2Fa", "invalid_attributes"),
    ("name=..", "invalid_attributes"),
    ("name=a%5Cb", "invalid_attributes"),
    ("name=a%00b", "invalid_attributes"),
    ("name=a%0Ab", "invalid_attributes"),
    ("name=", "invalid_attributes"),
    ("name=" + "a" * 1001, "invalid_attributes"),
    ("name=" + "%D1%8B" * 1000, "invalid_attributes"),
    ("name=%FF", "bad_request"),
    ("name=a&description=" + "d" * 3001, "invalid_attributes"),
    ("name=a&tag=" + "t" * 65, "invalid_attributes"),
    ("name=a" + "&tag=t" * 65, "invalid_attributes"),
    ("name=a" + "&tag=t" * 200, "bad_request"),
]


async def test_a_query_that_describes_no_file(client: httpx.AsyncClient) -> None:
    for query, code in QUERIES_THAT_DESCRIBE_NO_FILE:
        refused(await client.post(f"{FILES}?{query}", content=b"x"), 400 if code == "bad_request" else 422, code)


DOCUMENTS_THAT_DESCRIBE_NO_FILE = [
    "{",
    "",
    "[]",
    '"name"',
    '{"name": 1}',
    '{"name": "a", "colour": "red"}',
    '{"name": "a", "metadata": {"x": NaN}}',
    '{"name": "\\ud800"}',
    '{"name": "a", "metadata": {"x": "\\u0000"}}',
    '{"name": "a", "metadata": ' + '{"x":' * 300 + "1" + "}" * 300 + "}",
    json.dumps({"name": "a", "metadata": {"x": "y" * 17_000}}),
]


async def test_a_header_that_describes_no_file(client: httpx.AsyncClient) -> None:
    for document in DOCUMENTS_THAT_DESCRIBE_NO_FILE:
        answer = await client.post(FILES, content=b"x", headers={ATTRIBUTES_HEADER: document})
        refused(answer, 422, "invalid_attributes")


async def test_the_field_at_fault_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post(FILES, params={"name": "a/b"}, content=b"x")
    assert answer.json()["errors"][0]["field"] == "name"


async def test_a_header_that_is_not_utf_8(client: httpx.AsyncClient) -> None:
    headers = {ATTRIBUTES_HEADER.encode(): b'{"name": "\xff"}'}
    refused(await client.post(FILES, content=b"x", headers=headers), 422, "invalid_attributes")


async def test_described_twice(client: httpx.AsyncClient) -> None:
    headers = {ATTRIBUTES_HEADER: '{"name": "a"}'}
    refused(await client.post(FILES, params={"name": "b"}, content=b"x", headers=headers), 400, "bad_request")


async def test_attributes_that_would_not_fit_attr_json(client: httpx.AsyncClient) -> None:
    described = {"name": "a", "description": "d" * 3000, "metadata": {"x": "y" * 2000}}
    headers = {ATTRIBUTES_HEADER: json.dumps(described)}
    refused(await client.post(FILES, content=b"x", headers=headers), 422, "attributes_too_large")
    refused(await client.post(FILES, content=LARGE, headers=headers), 422, "attributes_too_large")


@pytest.mark.parametrize("header", ["Repr-Digest", "Content-Digest"])
async def test_a_wrong_digest(client: httpx.AsyncClient, header: str) -> None:
    for body in (b"", b"small", LARGE, in_chunks(b""), in_chunks(b"small"), in_chunks(LARGE)):
        answer = await client.post(FILES, params={"name": "a"}, content=body, headers={header: WRONG})
        refused(answer, 400, "digest_mismatch")


async def test_a_digest_that_cannot_be_read(client: httpx.AsyncClient) -> None:
    for value in ("sha-256=abc", "sha-256=:AAAA:", ":", hashlib.sha256(b"x").hexdigest() + "="):
        answer = await client.post(FILES, params={"name": "a"}, content=b"x", headers={"Repr-Digest": value})
        refused(answer, 400, "bad_digest_header")


async def test_two_digests_that_differ(client: httpx.AsyncClient) -> None:
    right = format_sha256(hashlib.sha256(b"x").digest())
    headers = {"Repr-Digest": right, "Content-Digest": WRONG}
    refused(await client.post(FILES, params={"name": "a"}, content=b"x", headers=headers), 400, "bad_request")


async def test_a_coded_body(client: httpx.AsyncClient) -> None:
    headers = {"Content-Encoding": "gzip"}
    refused(await client.post(FILES, params={"name": "a"}, content=b"x", headers=headers), 400, "bad_request")


async def test_an_idempotency_key_that_is_none(client: httpx.AsyncClient) -> None:
    for key in ("", "a b", "ключ", "k" * 256):
        headers = {b"Idempotency-Key": key.encode()}
        refused(await client.post(FILES, params={"name": "a"}, content=b"x", headers=headers), 400, "bad_request")


@pytest.mark.parametrize("limit", [10, 500_000])
async def test_too_large_by_its_length_or_while_it_comes(start: Start, edit: StandInElement, limit: int) -> None:
    client = await start(edit, uploads=UploadsSettings(max_size_bytes=limit))
    for body in (LARGE, in_chunks(LARGE)):
        answer = await client.post(FILES, params={"name": "a"}, content=body)
        refused(answer, 413, "file_too_large")
        assert answer.json()["max_size_bytes"] == limit


async def test_a_media_type_that_is_not_wanted(start: Start, edit: StandInElement) -> None:
    client = await start(edit, uploads=UploadsSettings(refused_media_types="video/*, application/x-msdownload"))
    for media_type in ("video/mp4", "VIDEO/x", "application/x-msdownload"):
        query = {"name": "a", "media_type": media_type}
        refused(await client.post(FILES, params=query, content=b"x"), 415, "media_type_refused")


async def test_another_method(client: httpx.AsyncClient) -> None:
    refused(await client.get(FILES), 405, "method_not_allowed")
    refused(await client.put(f"{FILES}/1"), 405, "method_not_allowed")
