"""The thief of the fleet's own signing key gets past no service with a token that is wrong in one thing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from artstore_kit.testing.hostile import hostile_tokens
from tests.fleet.forger import stolen_mint
from tests.fleet.wire import Wire, refusal

DOORS = {"admin": "/elements", "edit-1": "/element", "ingester": "/files/x", "query": "/search"}
METHODS = {"ingester": "DELETE"}


@dataclass
class Lair:
    """Where the thief waits for a service that believes a token about where its key is."""

    url: str = ""
    visits: list[bytes] = field(default_factory=list)

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Whoever comes is remembered, and gets no answer."""
        self.visits.append(await reader.read(1000))
        writer.close()


@pytest.fixture
async def lair() -> AsyncIterator[Lair]:
    """It listens; what nobody may do is to go there."""
    lair = Lair()
    async with await asyncio.start_server(lair.receive, "127.0.0.1", 0) as server:
        lair.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield lair


async def test_the_lair_notices_visitors(wire: Wire, lair: Lair) -> None:
    with pytest.raises(httpx.TransportError):
        await wire.client.get(f"{lair.url}/jwks.json")
    assert [visit.split(b"\r")[0] for visit in lair.visits] == [b"GET /jwks.json HTTP/1.1"]


@pytest.mark.parametrize("service", DOORS)
async def test_no_hostile_token_enters(wire: Wire, lair: Lair, service: str) -> None:
    mint = await stolen_mint(wire.fleet)
    method, path = METHODS.get(service, "GET"), DOORS[service]
    assert (await wire.ask(method, service, path, token=mint.mint())).status_code != 401
    tokens = hostile_tokens(mint, lair.url)
    seats = asyncio.Semaphore(4)

    async def refused(name: str, token: str) -> str:
        async with seats:
            answer = await wire.ask(method, service, path, token=token)
        assert answer.status_code == 401, (name, answer.text)
        refusal(answer, 401, "not_authenticated")
        return answer.headers["WWW-Authenticate"]

    challenges = await asyncio.gather(*(refused(name, token) for name, token in tokens.items()))
    assert set(challenges) == {'Bearer realm="artstore", error="invalid_token"'}
    assert lair.visits == []
