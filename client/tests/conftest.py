"""A stand-in of the fleet for each test, and a client of it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from artstore import ArtStore, retry
from client.tests.stand_in import CLIENT_ID, CLIENT_SECRET, Fleet, running
from client.tests.stand_in_routes import application


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A fleet with no files."""
    with running(Fleet(), application) as fleet:
        yield fleet


@pytest.fixture
async def store(fleet: Fleet) -> AsyncIterator[ArtStore]:
    """Connected as a service account."""
    async with ArtStore.connect(fleet.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET) as store:
        yield store


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.01)
