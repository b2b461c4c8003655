"""Raw bodies, described in the query or in a header."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from artstore_kit.contracts.files import ATTRIBUTES_HEADER, FileAttributes, RetentionKind
from artstore_kit.contracts.identity import ACTING_FOR_HEADER
from artstore_kit.digests import format_sha256
from artstore_kit.testing.element import StandInElement
from artstore_kit.testing.tokens import TokenMint

FILES = "/api/v1/files"
LARGE = bytes(range(256)) * 12_000
SIZES = [0, 1, 4096, 256 * 1024, 256 * 1024 + 1, len(LARGE)]


async def stored(answer: httpx.Response) -> FileAttributes:
    assert answer.status_code == 201, answer.text
    return FileAttributes.model_validate_json(answer.content)


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


async def test_a_file_described_in_the_query_lies_on_the_edit_element(
    client: httpx.AsyncClient, edit: StandInElement
) -> None:
    answer = await client.post(
        FILES,
        params={"name": "отчёт.txt", "collection": "hr/2026", "description": "d", "tag": ["a", "b"]},
        content=b"content",
        headers={"Content-Type": "text/plain; charset=utf-8"},
    )
    file = await stored(answer)
    assert edit.files[file.file_id].content == b"content"
    assert answer.content == edit.files[file.file_id].attributes.to_json()
    assert (file.content.name, file.content.media_type) == ("отчёт.txt", "text/plain")
    assert (file.collection, file.description, file.tags) == ("hr/2026", "d", ["a", "b"])
    assert answer.headers["Location"] == f"http://query.test/api/v1/files/{file.file_id}"
    assert answer.headers["X-Request-ID"] == next(edit.requests("PUT")).headers["X-Request-ID"]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
async def test_a_file_described_in_a_header_keeps_all_that_was_said(client: httpx.AsyncClient, encoding: str) -> None:
    described = {"name": "план.pdf", "media_type": "application/pdf", "tags": ["ё"], "metadata": {"a": [1, None, "ü"]}}
    header = json.dumps(described, ensure_ascii=encoding == "ascii").encode()
    headers = {ATTRIBUTES_HEADER.encode(): header, b"Content-Type": b"text/plain"}
    file = await stored(await client.post(FILES, content=b"x", headers=headers))
    assert (file.content.name, file.content.media_type) == ("план.pdf", "application/pdf")
    assert (file.tags, file.metadata) == (["ё"], {"a": [1, None, "ü"]})


@pytest.mark.parametrize("content_type", [None, "application/octet-stream", "application/x-www-form-urlencoded"])
async def test_a_type_that_says_nothing_is_not_the_files(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    file = await stored(await client.post(FILES, params={"name": "a"}, content=b"x", headers=headers))
    assert file.content.media_type == "application/octet-stream"


async def test_permanent_files_lie_on_the_archive(client: httpx.AsyncClient, rw: StandInElement) -> None:
    file = await stored(await client.post(FILES, params={"name": "a", "retention": "permanent"}, content=b"x"))
    header = json.dumps({"name": "b", "retention": {"kind": "permanent", "policy": "ten years"}})
    other = await stored(await client.post(FILES, content=b"x", headers={ATTRIBUTES_HEADER: header}))
    assert file.file_id in rw.files
    assert rw.files[other.file_id].attributes.retention.policy == "ten years"
    assert other.retention.kind is RetentionKind.PERMANENT


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("chunked", [False, True])
async def test_every_size_arrives_whole(
    client: httpx.AsyncClient, edit: StandInElement, size: int, chunked: bool
) -> None:
    content = LARGE[:size]
    body = in_chunks(content) if chunked else content
    file = await stored(await client.post(FILES, params={"name": "a"}, content=body))
    assert edit.files[file.file_id].content == content
    assert file.content.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("header", ["Repr-Digest", "Content-Digest"])
async def test_a_right_digest_goes_along_to_the_element(
    client: httpx.AsyncClient, edit: StandInElement, header: str
) -> None:
    digest = format_sha256(hashlib.sha256(LARGE).digest())
    await stored(await client.post(FILES, params={"name": "a"}, content=LARGE, headers={header: digest}))
    assert next(edit.requests("PUT")).headers["Repr-Digest"] == digest


async def test_small_files_travel_together(client: httpx.AsyncClient, edit: StandInElement) -> None:
    edit.faults.answer_after_s = 0.1
    contents = [b"%d" % number for number in range(40)]
    answers = await asyncio.gather(*(client.post(FILES, params={"name": "a"}, content=each) for each in contents))
    files = [await stored(answer) for answer in answers]
    assert [edit.files[file.file_id].content for file in files] == contents
    assert len(list(edit.requests("PUT"))) <= 6


async def test_a_batch_is_sent_within_the_first_of_its_requests(
    client: httpx.AsyncClient, edit: StandInElement
) -> None:
    """Not within the one whose batch happened to end before, which has nothing to do with it."""
    edit.faults.answer_after_s = 0.1
    ids = [f"request-{number}" for number in range(3)]
    headers = [{"X-Request-ID": each, "traceparent": f"00-{n:032x}-{n:016x}-01"} for n, each in enumerate(ids, 1)]
    await asyncio.gather(*(client.post(FILES, params={"name": "a"}, content=b"1", headers=each) for each in headers))

    seen = [(put.headers["X-Request-ID"], put.headers["traceparent"]) for put in edit.requests("PUT")]
    assert sorted(seen) == [(each["X-Request-ID"], each["traceparent"]) for each in headers]


async def test_one_refused_file_of_many_concerns_no_other(client: httpx.AsyncClient, edit: StandInElement) -> None:
    edit.faults.answer_after_s = 0.1
    given = [json.dumps({"name": "a", "metadata": {"k": "x" * size}}) for size in (1, 4100, 1, 1)]
    sent = [client.post(FILES, headers={"X-ArtStore-Attributes": each}, content=b"1") for each in given]
    answers = await asyncio.gather(*sent)
    assert [answer.status_code for answer in answers] == [201, 422, 201, 201]
    assert answers[1].json()["code"] == "attributes_too_large"


async def test_a_digest_of_another_kind_is_no_obstacle(client: httpx.AsyncClient) -> None:
    headers = {"Repr-Digest": "sha-512=:AAAA:"}
    await stored(await client.post(FILES, params={"name": "a"}, content=b"x", headers=headers))


async def test_the_element_hears_for_whom_the_ingester_acts(client: httpx.AsyncClient, edit: StandInElement) -> None:
    file = await stored(await client.post(FILES, params={"name": "a"}, content=b"x"))
    bob = await client.post(FILES, params={"name": "a"}, content=b"x", headers={ACTING_FOR_HEADER: "bob"})
    assert file.uploaded_by == "alice"
    assert (await stored(bob)).uploaded_by == "bob"
    tokens = {request.headers["Authorization"] for request in edit.requests("PUT")}
    assert client.headers["Authorization"] not in tokens


@pytest.mark.parametrize("size", [1, 400_000])
async def test_the_element_hears_from_where_a_file_was_sent(
    client: httpx.AsyncClient, edit: StandInElement, size: int
) -> None:
    """Alone or in a batch; otherwise all entries of uploads would name the ingester's address."""
    elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.7")
    async with httpx.AsyncClient(transport=elsewhere, base_url=client.base_url, headers=client.headers) as far:
        file = await stored(await far.post(FILES, params={"name": "a"}, content=bytes(size)))
    assert edit.came_from[file.file_id] == "127.0.0.7"


async def test_strange_names_are_kept_as_they_are(client: httpx.AsyncClient) -> None:
    for name in ["🎉.txt", "\u202eabc.pdf", "ы" * 512, " a ", "a'\";--", "CON", "%2e%2e%2f"]:
        file = await stored(await client.post(FILES, params={"name": name}, content=b"x"))
        assert file.content.name == name


async def test_a_token_of_another_issuer_is_not_enough(client: httpx.AsyncClient, mint: TokenMint) -> None:
    answer = await client.post(FILES, params={"name": "a"}, content=b"x", headers=mint.bearer())
    assert answer.json()["code"] == "not_authenticated"
