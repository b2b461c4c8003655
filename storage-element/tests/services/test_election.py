"""When a node takes over, and whom it names meanwhile."""

import asyncio
from collections.abc import Sequence

import pytest

from artstore_kit import request_context
from artstore_kit.contracts.errors import MasterElsewhere, NoMaster
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


def sighting(beat: int = 1, **mark: bool) -> Sighting:
    return Sighting(3, Mark(node_id="a", url="http://a.test/", epoch=3, beat=beat, **mark))


def a_node() -> Election:
    return Election(NodeSettings(id="b", lease_s=LEASE_S), "http://b.test", None)


async def waited_s(seen: Sequence[Sighting | None], node: Election | None = None) -> float:
    """How long it follows; at most four leases."""
    loop = asyncio.get_running_loop()
    began, stop = loop.time(), asyncio.Event()
    loop.call_later(4 * LEASE_S, stop.set)
    await (node or a_node()).follow(Seen(seen), stop)
    return loop.time() - began


async def test_a_silent_master_is_replaced_after_two_leases() -> None:
    assert 2 * LEASE_S < await waited_s([sighting(is_ready=True)]) < 4 * LEASE_S


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
    await waited_s([seen], node)
    request_context.scope.set({"raw_path": b"/api/v1/files/x", "query_string": b"y=%20z"})
    refusal = node.refusal()
    if url:
        assert isinstance(refusal, MasterElsewhere)
        assert refusal.headers == {"Location": url}
    else:
        assert isinstance(refusal, NoMaster)
    assert node.has_master() is (url is not None)
