"""Bodies on their way to an element: what is sent, what is not, and what a failure tells of it."""

from collections.abc import AsyncIterator

import pytest

from artstore_kit.bytestream import ByteClient
from artstore_kit.callee import Callee
from artstore_kit.contracts.errors import DependencyUnavailable, DependencyUnreached, IncompleteBody, StorageFull
from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.element import StandInElement, open_element

DESCRIBED = {ATTRIBUTES_HEADER: '{"name": "a"}'}
CHUNK = b"0123456789abcdef" * 16_384


class AnyToken:
    async def token(self) -> str:
        return "anything"

    def forget(self, token: str) -> None:
        pass


class Source:
    """Four chunks, and how many were taken."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.taken = 0
        self.failure = failure

    async def chunks(self) -> AsyncIterator[bytes]:
        for _ in range(4):
            self.taken += 1
            yield CHUNK
        if self.failure:
            raise self.failure


@pytest.fixture
async def element() -> AsyncIterator[StandInElement]:
    async with open_element() as element:
        yield element


@pytest.fixture
async def client(element: StandInElement) -> AsyncIterator[ByteClient]:
    async with ByteClient(Callee("edit-1", element.url, AnyToken())) as client:
        yield client


async def put(client: ByteClient, body: AsyncIterator[bytes] | bytes, *, expect_continue: bool = False) -> int:
    path = f"/api/v1/files/{new_file_id()}"
    async with client.put(path, body, DESCRIBED, expect_continue=expect_continue) as answer:
        await answer.read()
        return answer.status


async def test_bytes_and_streams_arrive(client: ByteClient, element: StandInElement) -> None:
    assert await put(client, CHUNK) == 201
    assert await put(client, Source().chunks()) == 201
    assert await put(client, Source().chunks(), expect_continue=True) == 201
    assert [stored.content for stored in element.files.values()] == [CHUNK, CHUNK * 4, CHUNK * 4]


async def test_a_refusal_costs_nothing_of_a_stream_that_waits(client: ByteClient, element: StandInElement) -> None:
    element.faults.refuse = StorageFull()
    source = Source()
    with pytest.raises(StorageFull):
        await put(client, source.chunks(), expect_continue=True)
    assert source.taken == 0
    element.faults.refuse = None
    assert await put(client, CHUNK) == 201


@pytest.mark.parametrize("expect_continue", [False, True])
async def test_a_source_that_fails_leaves_nothing(
    client: ByteClient, element: StandInElement, expect_continue: bool
) -> None:
    with pytest.raises(IncompleteBody):
        await put(client, Source(IncompleteBody()).chunks(), expect_continue=expect_continue)
    assert not element.files


async def test_no_connection_is_told_from_a_lost_one(client: ByteClient, element: StandInElement) -> None:
    element.faults.cut_before_answer = True
    with pytest.raises(DependencyUnavailable) as lost:
        await put(client, CHUNK)
    assert type(lost.value) is DependencyUnavailable
    await element.stop()
    with pytest.raises(DependencyUnreached):
        await put(client, CHUNK)
