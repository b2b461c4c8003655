"""Requests with an `Idempotency-Key`: however often they are sent, and whatever fails, there is one file."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from artstore_kit.contracts.errors import StorageFull
from artstore_kit.contracts.modes import Mode
from artstore_kit.redis import RedisClient
from artstore_kit.settings import RedisSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.application import free_port
from artstore_kit.testing.element import StandInElement

FILES = "/api/v1/files"
SMALL = b"a small document"
LARGE = bytes(range(256)) * 8192
type Start = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def client(start: Start, edit: StandInElement, second: StandInElement) -> httpx.AsyncClient:
    return await start(edit, second)


async def upload(
    client: httpx.AsyncClient, content: bytes = SMALL, key: str = "k1", name: str = "a", **headers: str
) -> httpx.Response:
    return await client.post(FILES, params={"name": name}, content=content, headers={"Idempotency-Key": key} | headers)


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.mark.parametrize("content", [b"", SMALL, LARGE])
async def test_a_repetition_gets_the_same_answer_again(
    client: httpx.AsyncClient, edit: StandInElement, content: bytes
) -> None:
    first = await upload(client, content)
    again = await upload(client, content)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(edit.files) == 1


async def test_a_repetition_may_come_to_another_ingester(
    client: httpx.AsyncClient, start: Start, edit: StandInElement
) -> None:
    first = await upload(client)
    other = await start(edit)
    assert (await upload(other)).content == first.content


async def test_a_form_may_be_repeated(client: httpx.AsyncClient, edit: StandInElement) -> None:
    answers = [
        await client.post(FILES, files={"file": ("a", SMALL)}, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert len(edit.files) == 1


async def test_another_request_with_the_key_is_refused(client: httpx.AsyncClient, edit: StandInElement) -> None:
    await upload(client)
    refused(await upload(client, b"other"), 422, "idempotency_key_reused")
    refused(await upload(client, name="b"), 422, "idempotency_key_reused")
    refused(await upload(client, LARGE), 422, "idempotency_key_reused")
    assert len(edit.files) == 1


async def test_keys_are_each_clients_own(client: httpx.AsyncClient, admin: AdminStandIn, edit: StandInElement) -> None:
    await upload(client)
    bob = admin.mint.bearer("bob")
    assert "Idempotency-Replayed" not in (await upload(client, Authorization=bob["Authorization"])).headers
    assert len(edit.files) == 2


async def test_a_request_under_way_is_not_carried_out_twice(client: httpx.AsyncClient, edit: StandInElement) -> None:
    edit.faults.answer_after_s = 0.5
    first = asyncio.create_task(upload(client))
    await asyncio.sleep(0.2)
    refused(await upload(client), 409, "idempotency_in_progress")
    assert (await first).status_code == 201
    assert (await upload(client)).content == (await first).content
    assert len(edit.files) == 1


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_an_open_outcome_is_closed_by_the_repetition(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement, content: bytes
) -> None:
    edit.faults.cut_before_answer = True
    refused(await upload(client, content), 503, "element_unavailable")
    edit.faults.cut_before_answer = False
    answer = await upload(client, content)
    assert answer.status_code == 201
    assert [str(file_id) for file_id in edit.files] == [answer.json()["file_id"]]
    assert not second.files


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_a_repetition_waits_for_the_element_that_may_have_the_file(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement, content: bytes
) -> None:
    edit.faults.cut_before_answer = True
    await upload(client, content)
    await edit.stop()
    refused(await upload(client, content), 503, "element_unavailable")
    assert not second.files


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_a_file_that_is_there_is_found_though_its_element_takes_no_more(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement, content: bytes
) -> None:
    edit.faults.cut_before_answer = True
    await upload(client, content)
    edit.faults.cut_before_answer, edit.mode = False, Mode.RO
    answer = await upload(client, content)
    assert answer.status_code == 201, answer.text
    assert [str(file_id) for file_id in edit.files] == [answer.json()["file_id"]]
    assert not second.files


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_a_file_that_is_not_there_goes_to_the_next_element_under_the_same_id(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement, content: bytes
) -> None:
    edit.faults.cut_before_answer = True
    await upload(client, content)
    (file_id,) = edit.files
    edit.files.clear()
    edit.faults.cut_before_answer, edit.mode = False, Mode.RO
    answer = await upload(client, content)
    assert answer.status_code == 201, answer.text
    assert list(second.files) == [file_id]


async def test_a_crash_after_a_change_of_elements_is_remembered_there(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement
) -> None:
    edit.faults.refuse = StorageFull()
    second.faults.cut_before_answer = True
    refused(await upload(client), 503, "element_unavailable")
    edit.faults.refuse, second.faults.cut_before_answer = None, False
    assert (await upload(client)).status_code == 201
    assert len(second.files) == 1
    assert not edit.files


async def test_other_content_of_the_same_length_is_told_from_the_first(
    client: httpx.AsyncClient, edit: StandInElement
) -> None:
    edit.faults.cut_before_answer = True
    await upload(client, LARGE)
    edit.faults.cut_before_answer = False
    refused(await upload(client, LARGE[::-1]), 422, "idempotency_key_reused")
    assert [stored.content for stored in edit.files.values()] == [LARGE]


async def test_a_request_that_stored_nothing_may_be_corrected(client: httpx.AsyncClient, edit: StandInElement) -> None:
    wrong = {"Repr-Digest": f"sha-256=:{'A' * 43}=:"}
    refused(await upload(client, LARGE, **wrong), 400, "digest_mismatch")
    assert (await upload(client, LARGE)).status_code == 201
    edit.faults.refuse = StorageFull()
    assert (await upload(client, key="k2")).status_code == 201


async def test_without_redis_the_promise_is_not_made(start: Start, edit: StandInElement) -> None:
    nowhere = RedisSettings(url=f"redis://127.0.0.1:{free_port()}", password=None, timeout_s=0.2)
    client = await start(edit, redis=nowhere)
    refused(await upload(client), 503, "idempotency_unavailable")
    answer = await client.post(FILES, params={"name": "a"}, content=SMALL)
    assert answer.status_code == 201


async def test_what_redis_forgets_meanwhile_does_not_lose_the_file(
    client: httpx.AsyncClient, edit: StandInElement, redis: RedisClient
) -> None:
    edit.faults.answer_after_s = 0.3
    under_way = asyncio.create_task(upload(client))
    await asyncio.sleep(0.15)
    await redis.flushdb()
    assert (await under_way).status_code == 201


async def test_a_record_of_unknown_shape_is_not_guessed_at(client: httpx.AsyncClient, redis: RedisClient) -> None:
    await upload(client)
    (name,) = [key async for key in redis.scan_iter("artstore:idempotency:*")]
    await redis.set(name, "{}")
    refused(await upload(client), 503, "idempotency_unavailable")
