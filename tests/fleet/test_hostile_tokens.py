"""The thief of the fleet's own signing key gets past no service with a token that is wrong in one thing."""

import asyncio

import pytest

from artstore_kit.testing.hostile import hostile_tokens
from tests.fleet.forger import stolen_mint
from tests.fleet.wire import Wire, refusal

DOORS = {"admin": "/elements", "edit-1": "/element", "ingester": "/files/x", "query": "/search"}
METHODS = {"ingester": "DELETE"}


@pytest.mark.parametrize("service", DOORS)
async def test_no_hostile_token_enters(wire: Wire, service: str) -> None:
    mint = await stolen_mint(wire.fleet)
    method, path = METHODS.get(service, "GET"), DOORS[service]
    assert (await wire.ask(method, service, path, token=mint.mint())).status_code != 401
    tokens = hostile_tokens(mint)
    seats = asyncio.Semaphore(4)

    async def refused(name: str, token: str) -> str:
        async with seats:
            answer = await wire.ask(method, service, path, token=token)
        assert answer.status_code == 401, (name, answer.text)
        refusal(answer, 401, "not_authenticated")
        return answer.headers["WWW-Authenticate"]

    challenges = await asyncio.gather(*(refused(name, token) for name, token in tokens.items()))
    assert set(challenges) == {'Bearer realm="artstore", error="invalid_token"'}
