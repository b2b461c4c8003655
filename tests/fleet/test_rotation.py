"""Signing keys take turns three times under 10,000 requests, and no valid token is refused."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import httpx
import jwt
import pytest

from artstore_kit.testing.patience import eventually
from tests.fleet.people import administrator, token_of
from tests.fleet.wire import Wire
from tools.fleet.fleet import Fleet
from tools.fleet.secrets import DEMO_ACCOUNT

REQUESTS = 10_000
ROTATIONS = 3
AT_ONCE = 32
QUICK = {
    "admin": {
        "ARTSTORE_KEYS__PUBLISHED_AHEAD_S": "4",
        "ARTSTORE_LIMITS__REQUESTS_PER_MINUTE_LIMIT": "100000",
    },
    "edit-1": {"ARTSTORE_TOKENS__PULL_INTERVAL_S": "1"},
}
DOORS = [("admin", "/elements/edit-1"), *(5 * [("edit-1", "/element")])]


@pytest.fixture
def two_services() -> Iterator[Fleet]:
    """The one that signs and one that only verifies, in a hurry."""
    with Fleet.temporary(extra=QUICK) as fleet:
        fleet.start_servers()
        fleet.prepare_databases()
        fleet.start_parts(["admin"])
        fleet.start_parts(["edit-1"])
        yield fleet


@pytest.fixture
async def hurried(two_services: Fleet) -> AsyncIterator[Wire]:
    """Requests to them."""
    async with httpx.AsyncClient(timeout=30) as client:
        yield Wire(two_services, client, await token_of(two_services, *two_services.credentials(DEMO_ACCOUNT)))


class Traffic:
    """Old tokens and new ones are shown to both services until there was enough of it."""

    def __init__(self, wire: Wire) -> None:
        self.answers: Counter[int] = Counter()
        self.rotated = False
        self.tokens = [wire.token]
        self._wire = wire

    async def go(self) -> None:
        """One of many at once."""
        while not self.rotated or self.answers.total() < REQUESTS:
            number = self.answers.total()
            service, path = DOORS[number % len(DOORS)]
            answer = await self._wire.ask("GET", service, path, token=self.tokens[number % len(self.tokens)])
            self.answers[answer.status_code] += 1

    async def renew(self) -> None:
        """A new token ten times a second."""
        while not self.rotated:
            self.tokens.append(await token_of(self._wire.fleet, *self._wire.fleet.credentials(DEMO_ACCOUNT)))
            await asyncio.sleep(0.1)

    async def rotate(self) -> None:
        """Ask for a rotation and wait for its end, three times."""
        for _ in range(ROTATIONS):
            someone = await administrator(self._wire)
            before = await signer(self._wire, someone)
            (await self._wire.ask("POST", "admin", "/keys/rotate", token=someone)).raise_for_status()
            await eventually(lambda: self._another_signs(someone, before), within_s=60)  # noqa: B023 (awaited here)
            await asyncio.sleep(1)  # some are signed with each key
        self.rotated = True

    async def _another_signs(self, someone: str, before: str) -> bool:
        return await signer(self._wire, someone) != before


async def signer(wire: Wire, token: str) -> str:
    """The key that signs now."""
    listed = (await wire.ask("GET", "admin", "/keys", token=token)).raise_for_status().json()["items"]
    (current,) = [key["kid"] for key in listed if key["state"] == "current"]
    return str(current)


async def test_no_valid_token_is_refused_across_three_rotations(hurried: Wire) -> None:
    traffic = Traffic(hurried)
    await asyncio.gather(traffic.rotate(), traffic.renew(), *(traffic.go() for _ in range(AT_ONCE)))
    assert traffic.answers.keys() == {200}
    assert traffic.answers[200] >= REQUESTS
    assert len({jwt.get_unverified_header(token)["kid"] for token in traffic.tokens}) == ROTATIONS + 1
