"""Bad input is refused with its code, at every door, and leaves nothing behind."""

import json
from collections.abc import AsyncIterator

import pytest

from artstore import ArtStore
from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.digests import format_sha256
from tests.fleet.documents import KIB, LARGEST_FILE_BYTES, MIB, REFUSED_MEDIA_TYPE, Document, unique_word
from tests.fleet.elements import kept, nothing_is_staged
from tests.fleet.wire import Wire, refusal
from tools.fleet.fleet import Fleet

WRONG_DIGEST = {"Repr-Digest": format_sha256(bytes(32))}
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
PART = "--b\r\nContent-Disposition: form-data; name={}\r\n\r\n{}\r\n"


@pytest.fixture(autouse=True)
async def _nothing_is_left(fleet: Fleet) -> AsyncIterator[None]:
    """No refusal leaves anything in the staging."""
    yield
    await nothing_is_staged(fleet)


@pytest.mark.parametrize("size_bytes", [0, 10, 100 * KIB, 2 * MIB])
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        (WRONG_DIGEST, 400, "digest_mismatch"),
        ({"Content-Digest": format_sha256(bytes(32))}, 400, "digest_mismatch"),
        ({"Repr-Digest": "sha-256=:not base64:"}, 400, "bad_digest_header"),
        ({"Idempotency-Key": "two words"}, 400, "bad_request"),
    ],
)
async def test_a_body_that_is_not_as_announced(
    wire: Wire, size_bytes: int, headers: dict[str, str], status: int, code: str
) -> None:
    collection = unique_word()
    refusal(await wire.upload(bytes(size_bytes), headers=headers, collection=collection), status, code)
    assert kept(wire.fleet, collection) == []


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", "a/b", "../../etc/passwd", "a\\b", "bell\a", "line\nbreak", "nul\0", "a" * 1001, "я" * 600],
)
async def test_a_name_that_is_none(wire: Wire, name: str) -> None:
    problem = refusal(await wire.upload(b"-", name=name), 422, "invalid_attributes")
    assert problem["errors"][0]["field"] == "name"


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ("{", "invalid_attributes"),
        ("[]", "invalid_attributes"),
        ('{"name": "a", "name2": "b"}', "invalid_attributes"),
        ('{"name": "\\ud800"}', "invalid_attributes"),
        ("{}", "invalid_attributes"),
        ('{"name": "a", "collection": "../x"}', "invalid_attributes"),
        ('{"name": "a", "media_type": "text"}', "invalid_attributes"),
        ('{"name": "a", "retention": {"kind": "eternal"}}', "invalid_attributes"),
        ('{"name": "a", "tags": ["%s"]}' % ("t" * 65), "invalid_attributes"),
        (json.dumps({"name": "a", "metadata": {str(n): "m" * 400 for n in range(10)}}), "attributes_too_large"),
        (json.dumps({"name": "a", "description": "я" * 2100}), "attributes_too_large"),
        (json.dumps({"name": "a", "metadata": {str(n): "m" * 4000 for n in range(5)}}), "invalid_attributes"),
    ],
)
async def test_attributes_that_are_none(wire: Wire, attributes: str, code: str) -> None:
    answer = await wire.upload(b"-", headers={ATTRIBUTES_HEADER: attributes})
    refusal(answer, 422, code)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "bad_request"),
        ("?name=%FF", 400, "bad_request"),
        ("?name=a&name=b", 422, "invalid_attributes"),
        ("?name=a&colour=red", 422, "invalid_attributes"),
        ("?name=a%2Fb", 422, "invalid_attributes"),
    ],
)
async def test_a_query_that_describes_no_file(wire: Wire, query: str, status: int, code: str) -> None:
    refusal(await wire.ask("POST", "ingester", f"/files{query}", content=b"-"), status, code)


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_over_the_limit(wire: Wire, announced: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_FILE_BYTES // MIB + 1):
            yield bytes(MIB)

    body = bytes(LARGEST_FILE_BYTES + 1) if announced else chunks()
    collection = unique_word()
    refusal(await wire.upload(body, collection=collection), 413, "file_too_large")
    assert kept(wire.fleet, collection) == []


async def test_a_media_type_that_is_not_wanted(wire: Wire) -> None:
    refusal(await wire.upload(b"MZ", media_type=REFUSED_MEDIA_TYPE), 415, "media_type_refused")


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"Content-Type": "multipart/form-data"}, "", "bad_request"),
        (BOUNDARY, "no form at all", "bad_request"),
        (BOUNDARY, PART.format("attributes", '{"name": "a"}') + "--b--\r\n", "bad_request"),
        (BOUNDARY, PART.format("file", "-") + PART.format("attributes", "{}") + "--b--\r\n", "bad_request"),
        (BOUNDARY, PART.format("file", "x" * 2 * MIB), "incomplete_body"),
        (BOUNDARY, PART.format("name", "a.txt") + PART.format("file", "begun"), "incomplete_body"),
    ],
)
async def test_a_form_that_is_none(wire: Wire, headers: dict[str, str], body: str, code: str) -> None:
    answer = await wire.ask("POST", "ingester", "/files", headers=headers, content=body.encode())
    refusal(answer, 400, code)


async def test_a_form_with_broken_attributes(wire: Wire) -> None:
    form = {"attributes": (None, "{"), "file": ("name", b"-")}
    refusal(await wire.ask("POST", "ingester", "/files", files=form), 422, "invalid_attributes")


async def test_an_idempotency_key_for_something_else(wire: Wire) -> None:
    key = {"Idempotency-Key": unique_word()}
    assert (await wire.upload(b"one", headers=key)).status_code == 201
    refusal(await wire.upload(b"two", headers=key), 422, "idempotency_key_reused")


async def test_the_same_id_twice(wire: Wire) -> None:
    path, headers = f"/files/{new_file_id()}", {ATTRIBUTES_HEADER: '{"name": "a"}'}
    first = await wire.ask("PUT", "edit-1", path, headers=headers, content=b"one")
    again = await wire.ask("PUT", "edit-1", path, headers=headers, content=b"one")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    refusal(await wire.ask("PUT", "edit-1", path, headers=headers, content=b"two"), 409, "file_exists")
    refusal(await wire.ask("PUT", "edit-1", path, content=b"-"), 400, "bad_request")
    refusal(await wire.ask("PUT", "edit-1", path, headers={**headers, **WRONG_DIGEST}), 400, "digest_mismatch")
    assert (await wire.ask("GET", "edit-1", f"{path}/content")).content == b"one"


@pytest.mark.parametrize(
    ("file_id", "status", "code"),
    [
        (str(new_file_id()), 404, "file_unknown"),
        ("0199f000-0000-4000-8000-000000000000", 422, "invalid_fields"),
        ("1", 422, "invalid_fields"),
        ("..%2f..%2felement.json", 404, "not_found"),
    ],
)
async def test_an_id_that_is_none(wire: Wire, file_id: str, status: int, code: str) -> None:
    path = f"/files/{file_id}"
    for service, method, suffix in [
        ("query", "GET", ""),
        ("query", "GET", "/content"),
        ("edit-1", "GET", ""),
        ("edit-1", "GET", "/content"),
        ("ingester", "DELETE", ""),
    ]:
        refusal(await wire.ask(method, service, path + suffix), status, code)
    refusal(await wire.ask("PATCH", "ingester", path, json={"tags": []}), status, code)


async def test_a_range_that_is_none(store: ArtStore, wire: Wire) -> None:
    stored = await Document.of_size(100).put(store)
    path = f"/files/{stored.file_id}/content"

    for service in ("query", "edit-1"):
        outside = await wire.ask("GET", service, path, headers={"Range": "bytes=100-"})
        refusal(outside, 416, "range_not_satisfiable")
        assert outside.headers["Content-Range"] == "bytes */100"
        for asked in ("bytes=a-b", "bytes=-", "bytes=", "bytes=9-3", f"bytes={'9' * 30}-"):
            refusal(await wire.ask("GET", service, path, headers={"Range": asked}), 400, "bad_request")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        (b'{"size": 1}', 422, "invalid_fields"),
        (b'{"name": "a/b"}', 422, "invalid_fields"),
        (json.dumps({"metadata": {str(n): "m" * 400 for n in range(10)}}).encode(), 422, "attributes_too_large"),
    ],
)
async def test_a_change_that_is_none(store: ArtStore, wire: Wire, change: bytes, status: int, code: str) -> None:
    stored = await Document.of_size(10).put(store)
    path, headers = f"/files/{stored.file_id}", {"Content-Type": "application/json"}

    for service in ("ingester", "edit-1"):
        refusal(await wire.ask("PATCH", service, path, headers=headers, content=change), status, code)
        stale = {**headers, "If-Match": '"r9"'}
        refusal(await wire.ask("PATCH", service, path, headers=stale, content=b"{}"), 412, "revision_mismatch")
        refusal(await wire.ask("DELETE", service, path, headers={"If-Match": '"r9"'}), 412, "revision_mismatch")
    assert await store.info(stored.file_id) == stored


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"cursor": "nonsense"}, 400, "bad_cursor"),
        ({"limit": "0"}, 422, "invalid_fields"),
        ({"limit": "1000000"}, 422, "invalid_fields"),
        ({"size_min": "many"}, 422, "invalid_fields"),
        ({"uploaded_after": "yesterday"}, 422, "invalid_fields"),
        ({"sort": "price"}, 422, "invalid_fields"),
        ({"colour": "red"}, 422, "invalid_fields"),
        ({"q": "!!! &&&"}, 422, "invalid_fields"),
        ({"q": "a" * 1001}, 422, "invalid_fields"),
        ({"collection": "a'; DROP TABLE x"}, 422, "invalid_fields"),
    ],
)
async def test_a_search_for_nothing(wire: Wire, parameters: dict[str, str], status: int, code: str) -> None:
    refusal(await wire.search(**parameters), status, code)


@pytest.mark.parametrize("service", ["admin", "edit-1", "ingester", "query"])
async def test_an_address_where_nothing_is(wire: Wire, service: str) -> None:
    refusal(await wire.ask("GET", service, "/nowhere"), 404, "not_found")
    wrong = {"admin": "/elements", "edit-1": "/element", "ingester": "/files", "query": "/search"}[service]
    refusal(await wire.ask("OPTIONS", service, wrong), 405, "method_not_allowed")
