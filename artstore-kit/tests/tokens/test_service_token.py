"""A service's own token, from a stand-in for the admin module."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from artstore_kit.callee import Callee
from artstore_kit.contracts.errors import ArtStoreError, DependencyUnavailable
from artstore_kit.outbound import Outbound
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.clock import Seconds
from artstore_kit.tokens.service_token import ServiceToken


@pytest.fixture
def clock() -> Seconds:
    return Seconds(1000.0)


@pytest.fixture
async def service_token(admin: AdminStandIn, clock: Seconds) -> AsyncIterator[ServiceToken]:
    outbound = Outbound(Callee("admin", admin.url), deadline_s=1)
    service_token = ServiceToken(outbound, admin.account("query-module"), clock)
    yield service_token
    await service_token.close()


async def _settled() -> None:
    """Until a renewal in the background has come to its end."""
    for task in asyncio.all_tasks():
        if task.get_name() == "service token":
            await asyncio.wait([task])


async def test_many_callers_share_one_request(admin: AdminStandIn, service_token: ServiceToken) -> None:
    tokens = await asyncio.gather(*(service_token.token() for _ in range(50)))
    assert len(set(tokens)) == 1
    assert admin.tokens_given == 1


async def test_it_is_renewed_ahead_of_its_end_without_waiting(
    admin: AdminStandIn, service_token: ServiceToken, clock: Seconds
) -> None:
    first = await service_token.token()
    clock.now += admin.token_lifetime_s / 2
    assert await service_token.token() == first
    await _settled()
    assert await service_token.token() != first
    assert admin.tokens_given == 2


async def test_a_valid_token_goes_on_when_the_admin_module_is_away(
    admin: AdminStandIn, service_token: ServiceToken, clock: Seconds
) -> None:
    first = await service_token.token()
    admin.stop()
    clock.now += admin.token_lifetime_s - 10
    for _ in range(3):
        assert await service_token.token() == first
        await _settled()
    clock.now += 10
    with pytest.raises(DependencyUnavailable):
        await service_token.token()


async def test_a_refused_token_is_fetched_anew_but_not_in_a_storm(
    admin: AdminStandIn, service_token: ServiceToken, clock: Seconds
) -> None:
    first = await service_token.token()
    service_token.forget(first)
    assert await service_token.token() == first
    clock.now += 10
    service_token.forget("another token")
    service_token.forget(first)
    assert await service_token.token() != first
    assert admin.tokens_given == 2


async def test_a_caller_that_goes_away_does_not_end_the_request_of_others(service_token: ServiceToken) -> None:
    impatient = asyncio.create_task(service_token.token())
    patient = asyncio.create_task(service_token.token())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient


async def test_a_wrong_secret_is_an_error(admin: AdminStandIn) -> None:
    account = admin.account().model_validate({"client_id": "tester", "client_secret": "wrong"})
    service_token = ServiceToken.of(admin.address(), account)
    with pytest.raises(ArtStoreError):
        await service_token.token()
    await service_token.close()
