"""Services restart and are killed while documents go in and out: nothing acknowledged is lost, nothing doubled."""

import asyncio

from artstore import ArtStore
from tests.fleet.elements import nothing_is_staged
from tests.fleet.traffic import going_on
from tools.fleet.fleet import Fleet
from tools.fleet.services import NAMES


async def test_every_service_is_restarted_in_turn(fleet: Fleet, store: ArtStore) -> None:
    async with going_on(store) as traffic:
        for name in NAMES:
            await asyncio.to_thread(fleet.restart, name)
            await traffic.has_gone_on()

    await nothing_is_staged(fleet)


async def test_every_service_is_killed_in_turn(fleet: Fleet, store: ArtStore) -> None:
    async with going_on(store) as traffic:
        for name in NAMES:
            fleet.kill(name)
            await asyncio.to_thread(fleet.start_one, name)
            await traffic.has_gone_on()

    await nothing_is_staged(fleet)


async def test_without_the_admin_module_all_goes_on(fleet: Fleet, store: ArtStore) -> None:
    async with going_on(store) as traffic:
        fleet.kill("admin")
        await traffic.has_gone_on()
        refusals = list(traffic.refusals)
        await asyncio.to_thread(fleet.start_one, "admin")

    assert refusals == []
