"""When a node takes over, and whom it names meanwhile."""

import asyncio
import errno
from collections.abc import AsyncIterator, Sequence

import pytest

from artstore_kit import request_context
from artstore_kit.contracts.errors import MasterElsewhere, NoMaster
from artstore_kit.redis import RedisClient, connect
from artstore_kit.settings import RedisSettings
from storage_element.adapters.lease import Lease
from storage_element.config import NodeSettings
from storage_element.domain.mastership import Mark, Sighting
from storage_element.domain.storage import Fenced
from storage_element.services.election import Election

LEASE_S = 0.3


class Seen:
    """Shows one sighting after the other, the last one for good."""

    epoch = 0

    def __init__(self, sightings: Sequence[Sighting | None]) -> None:
        self._sightings = list(sightings)

    async def look(self) -> Sighting:
        seen = self._sightings.pop(0) if len(self._sightings) > 1 else self._sightings[0]
        if seen is None:
            raise Fenced("no node has the element")
        return seen

    async def write(self, mark: Mark) -> None:
        raise AssertionError("a follower leaves no mark")


class Sick:
    """A storage that fails each second time that it is asked, or does not answer at all."""

    epoch = 3

    def __init__(self, *, hangs: bool = False) -> None:
        self._hangs = hangs
        self.asked = 0
        self.marks: list[Mark] = []

    async def look(self) -> Sighting:
        await self._fail()
        return sighting(is_ready=True)

    async def write(self, mark: Mark) -> None:
        await self._fail()
        self.marks.append(mark)

    async def _fail(self) -> None:
        self.asked += 1
        if self._hangs:
            await asyncio.sleep(3600)
        if self.asked % 2:
            raise OSError(errno.EIO, "it fails")


def sighting(beat: int = 1, **mark: bool) -> Sighting:
    return Sighting(3, Mark(node_id="a", url="http://a.test/", epoch=3, beat=beat, **mark))


def a_node(lease: Lease | None = None) -> Election:
    return Election(NodeSettings(id="b", lease_s=LEASE_S), "http://b.test", lease)


@pytest.fixture
async def lease(redis_settings: RedisSettings) -> AsyncIterator[Lease]:
    """This node's, in a Redis that is empty at first."""
    lease = Lease(connect(redis_settings), "edit-1", LEASE_S)
    yield lease
    await lease.close()


async def waited_s(seen: Sequence[Sighting | None], node: Election | None = None, leases: int = 4) -> float:
    """How long it follows; at most so many leases."""
    loop = asyncio.get_running_loop()
    began, stop = loop.time(), asyncio.Event()
    loop.call_later(leases * LEASE_S, stop.set)
    await (node or a_node()).follow(Seen(seen), stop)
    return loop.time() - began


async def test_a_silent_master_is_replaced_after_two_leases() -> None:
    assert 2 * LEASE_S < await waited_s([sighting(is_ready=True)]) < 4 * LEASE_S


async def test_one_that_nobody_replaces_is_named_no_more() -> None:
    node = a_node()
    node.may_lead = False
    assert await waited_s([sighting(is_ready=True)], node) >= 4 * LEASE_S
    assert isinstance(node.refusal(), NoMaster)


async def test_one_that_has_stopped_in_order_at_once() -> None:
    assert await waited_s([sighting(is_ready=True), sighting(2, is_released=True)]) < 2 * LEASE_S


async def test_a_master_that_lives_is_followed() -> None:
    assert await waited_s([sighting(beat, is_ready=True) for beat in range(100)]) >= 4 * LEASE_S


async def test_an_element_that_cannot_be_seen_is_left_alone() -> None:
    assert await waited_s([None]) >= 4 * LEASE_S


async def test_after_a_storage_fault_it_does_not_lead_again() -> None:
    node = a_node()
    node.may_lead = False
    assert await waited_s([sighting(is_released=True)], node) >= 4 * LEASE_S


@pytest.mark.parametrize("seen", [sighting(is_released=True), sighting(is_ready=True), Sighting(4, None)])
async def test_a_redis_of_long_ago_that_names_a_dead_node_costs_two_leases(
    seen: Sighting, lease: Lease, redis: RedisClient
) -> None:
    """It was restored from a dump in which nothing ends."""
    await redis.set("{artstore}:master:edit-1", "somebody of long ago")
    assert LEASE_S < await waited_s([seen], a_node(lease)) < 3.5 * LEASE_S


async def test_a_redis_of_long_ago_that_names_this_node_changes_no_master(lease: Lease) -> None:
    assert await lease.hold()
    living = [sighting(beat, is_ready=True) for beat in range(100)]
    assert await waited_s(living, a_node(lease)) >= 4 * LEASE_S


async def test_redis_lets_one_go_first(lease: Lease, redis_settings: RedisSettings) -> None:
    other = Lease(connect(redis_settings), "edit-1", 60)
    assert await other.hold()
    refused = asyncio.ensure_future(waited_s([sighting(is_ready=True)], a_node(lease)))
    assert await waited_s([sighting(is_ready=True)], a_node(other)) < 1.7 * LEASE_S
    assert await refused > 2 * LEASE_S
    await other.release()
    await other.close()


async def test_a_storage_that_does_not_answer_is_seen_within_a_bound() -> None:
    node, stop = a_node(), asyncio.Event()
    following = asyncio.ensure_future(node.follow(Seen([sighting(is_ready=True)]), stop))
    await asyncio.sleep(LEASE_S)
    assert (node.master, node.silent_s()) == (sighting(is_ready=True).mark, 0)
    stop.set()
    await following
    stop.clear()
    following = asyncio.ensure_future(node.follow(sick := Sick(hangs=True), stop))
    await asyncio.sleep(2.5 * LEASE_S)
    assert node.master is None
    assert node.silent_s() > 2 * LEASE_S
    assert sick.asked >= 2
    stop.set()
    await following
    assert await node.still_due(sick) is False


async def test_a_node_whose_turn_it_is_looks_again_and_a_failure_leaves_it_following() -> None:
    assert await a_node().still_due(Sick()) is False


async def test_marks_that_cannot_be_written_are_followed_by_others() -> None:
    """While the journal is replayed, and then: silence would bring another node."""
    node, sick = a_node(), Sick()
    announcing = asyncio.ensure_future(node.announce(sick))
    await asyncio.sleep(LEASE_S)
    announcing.cancel()
    assert len(sick.marks) >= 2
    assert not any(mark.is_ready for mark in sick.marks)
    assert node.silent_s() == 0
    await asyncio.gather(announcing, return_exceptions=True)


@pytest.mark.parametrize(
    ("seen", "url"),
    [
        (sighting(is_ready=True), "http://a.test/api/v1/files/x?y=%20z"),
        (sighting(), None),
        (sighting(is_ready=True, is_released=True), None),
        (Sighting(4, sighting(is_ready=True).mark), None),
        (Sighting(4, None), None),
    ],
)
async def test_a_request_is_sent_to_a_master_that_takes_writes(seen: Sighting, url: str | None) -> None:
    """Not to one that replays, has stopped, or was taken over."""
    node = a_node()
    node.may_lead = False
    await waited_s([seen], node, leases=1)
    request_context.scope.set({"raw_path": b"/api/v1/files/x", "query_string": b"y=%20z"})
    refusal = node.refusal()
    if url:
        assert isinstance(refusal, MasterElsewhere)
        assert refusal.headers == {"Location": url}
    else:
        assert isinstance(refusal, NoMaster)
    assert (node.master is not None) is (url is not None)
