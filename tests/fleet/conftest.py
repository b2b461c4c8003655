"""One fleet of real processes for all journeys, and those who deal with it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from artstore import ArtStore
from artstore_kit.testing.otlp import OtlpSink
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import LARGEST_FILE_BYTES, REFUSED_MEDIA_TYPE
from tests.fleet.people import token_of
from tests.fleet.wire import Wire
from tools.fleet.fleet import Extra, Fleet
from tools.fleet.health import Health, ask
from tools.fleet.secrets import DEMO_ACCOUNT
from tools.fleet.services import NAMES

HERE = Path(__file__).parent
LAST = HERE / "test_what_was_left_behind.py"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What looks back on all journeys comes after them, and only when all of them were made."""
    journeys = {path for path in HERE.glob("test_*.py") if path != LAST}
    looking_back = [item for item in items if item.path == LAST]
    items[:] = [item for item in items if item.path != LAST]
    if journeys <= {item.path for item in items} and not config.option.keyword:
        items.extend(looking_back)
    else:
        config.hook.pytest_deselected(items=looking_back)


@pytest.fixture(scope="session")
def sink() -> Iterator[OtlpSink]:
    """Where every service sends its spans."""
    with OtlpSink() as sink:
        yield sink


@pytest.fixture(scope="session")
def running_fleet(sink: OtlpSink) -> Iterator[Fleet]:
    """The one fleet of this run."""
    with Fleet.temporary(extra=_settings(sink)) as fleet:
        fleet.start()
        yield fleet


def _settings(sink: OtlpSink) -> Extra:
    settings = {name: {"ARTSTORE_TRACING__OTLP_ENDPOINT": sink.url} for name in NAMES}
    settings["ingester"] |= {
        "ARTSTORE_UPLOADS__MAX_SIZE_BYTES": str(LARGEST_FILE_BYTES),
        "ARTSTORE_UPLOADS__REFUSED_MEDIA_TYPES": REFUSED_MEDIA_TYPE,
    }
    return settings


@pytest.fixture
async def fleet(running_fleet: Fleet) -> Fleet:
    """The fleet with all its parts up and well, whatever the journey before has done to it."""
    for name, part in running_fleet.parts.items():
        if not part.process.alive:
            await asyncio.to_thread(running_fleet.start_one, name)
    await _all_well(running_fleet)
    return running_fleet


async def _all_well(fleet: Fleet) -> None:
    unwell: dict[str, Health] = {}

    async def nothing_is_unwell() -> bool:
        nonlocal unwell
        answers = {name: await asyncio.to_thread(ask, fleet.service(name).port) for name in NAMES}
        unwell = {name: answer for name, answer in answers.items() if answer.status != "ok"}
        return not unwell

    with suppress(TimeoutError):
        await eventually(nothing_is_unwell, within_s=30)
    assert unwell == {}


@pytest.fixture
async def store(fleet: Fleet) -> AsyncIterator[ArtStore]:
    """The SDK, connected as a program that may do everything with files."""
    client_id, secret = fleet.credentials(DEMO_ACCOUNT)
    async with ArtStore.connect(fleet.url("admin"), client_id=client_id, client_secret=secret) as store:
        yield store


@pytest.fixture
async def wire(fleet: Fleet) -> AsyncIterator[Wire]:
    """Plain HTTP under the same account as `store`."""
    # No connection is kept: one from before a restart would be met by its end.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:
        yield Wire(fleet, client, await token_of(fleet, *fleet.credentials(DEMO_ACCOUNT)))
