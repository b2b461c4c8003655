"""How often a client may fail and ask: locked where it failed, and nowhere else."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.account_secrets import add_secret
from admin_module.adapters.accounts import insert_account
from admin_module.adapters.tables.accounts import account_secrets
from admin_module.config import LimitsSettings
from admin_module.domain.accounts import account_of
from admin_module.domain.proofs import SharedSecret, SignedAssertion
from admin_module.domain.secrets import hashed
from admin_module.services.clients import Clients
from artstore_kit.contracts.client_keys import KeySet
from artstore_kit.contracts.errors import InvalidClient, RateLimited
from artstore_kit.contracts.identity import NewServiceAccount
from artstore_kit.postgres import Database
from artstore_kit.proxies import network_of
from artstore_kit.redis import RedisClient
from artstore_kit.testing.client_keys import client_key

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
RIGHT = SharedSecret("scanner", "right")


@pytest.fixture
def limits() -> LimitsSettings:
    return LimitsSettings(client_failures_limit=3, address_failures_limit=8, requests_per_minute_limit=5, lockout_s=300)


@pytest.fixture(autouse=True)
async def accounts(database: Database) -> None:
    """One with the fleet's limit, one with its own."""
    async with database.transaction() as connection:
        await _add(connection, "scanner", None)
        await _add(connection, "busy", 9)


async def _add(connection: AsyncConnection, client_id: str, own_limit: int | None) -> None:
    jwks = KeySet.model_validate(client_key().jwk)
    new = NewServiceAccount(client_id=client_id, scopes=frozenset(), token_requests_per_minute=own_limit, jwks=jwks)
    now = datetime.now(UTC)
    await insert_account(connection, account_of(new, system=False, created_at=now, secret_expires_at=None))
    await add_secret(connection, client_id, hashed("right"), now, None)


async def fail(clients: Clients, times: int, address: str = HOME, client_id: str = "scanner") -> None:
    for _ in range(times):
        with pytest.raises(InvalidClient):
            await clients.authenticated(SharedSecret(client_id, "wrong"), address)


async def locked(clients: Clients, proof: SharedSecret | SignedAssertion = RIGHT, address: str = HOME) -> RateLimited:
    with pytest.raises(RateLimited) as refused:
        await clients.authenticated(proof, address)
    return refused.value


async def test_after_three_failures_even_the_right_secret_waits(clients: Clients) -> None:
    await fail(clients, 3)
    refused = await locked(clients)
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert 295 <= int(refused.headers["Retry-After"]) <= 301
    assert refused.extra["error"] == "rate_limited"


async def test_failures_of_others_at_its_address_do_not_lock_out_a_client_that_was_there(
    clients: Clients, make_node: Callable[[], Clients]
) -> None:
    """Otherwise anybody behind the same proxy, or on the same machine, could stop the fleet."""
    assert await clients.authenticated(RIGHT, HOME)
    await fail(clients, 3)
    for number in range(5):
        await fail(clients, 1, client_id=f"guess-{number}")
    assert await clients.authenticated(RIGHT, HOME)
    await locked(clients, SharedSecret("scanner", "wrong"))
    await locked(clients, SharedSecret("busy", "right"))
    await locked(make_node())


async def test_a_secret_that_has_ended_is_no_secret_any_more(clients: Clients, database: Database) -> None:
    assert await clients.authenticated(RIGHT, HOME)
    async with database.transaction() as connection:
        await connection.execute(account_secrets.delete())
    for _ in range(3):
        with pytest.raises(InvalidClient):
            await clients.authenticated(RIGHT, HOME)
    await locked(clients)


async def test_two_failures_lock_nobody(clients: Clients) -> None:
    await fail(clients, 2)
    assert await clients.authenticated(RIGHT, HOME)


async def test_a_stranger_elsewhere_locks_nobody_here(clients: Clients) -> None:
    await fail(clients, 3, ELSEWHERE)
    await locked(clients, address=ELSEWHERE)
    assert await clients.authenticated(RIGHT, HOME)


async def test_other_clients_of_the_address_go_on(clients: Clients) -> None:
    await fail(clients, 3)
    assert await clients.authenticated(SharedSecret("busy", "right"), HOME)


async def test_an_address_that_tries_many_names_is_locked_for_all(clients: Clients) -> None:
    for number in range(8):
        await fail(clients, 1, client_id=f"guess-{number}")
    await locked(clients, SharedSecret("busy", "right"))
    await locked(clients, SharedSecret("guess-9", "wrong"))
    assert await clients.authenticated(RIGHT, ELSEWHERE)


async def test_an_ipv6_network_counts_as_one_address(clients: Clients) -> None:
    for number in range(3):
        await fail(clients, 1, f"2001:db8:1:2:{number + 1}::1")
    await locked(clients, address="2001:db8:1:2::ffff")
    assert await clients.authenticated(RIGHT, "2001:db8:1:3::1")


async def test_what_is_counted_as_one_address() -> None:
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("testclient") == "testclient"


async def test_all_nodes_know_of_the_lock(clients: Clients, make_node: Callable[[], Clients]) -> None:
    other = make_node()
    await fail(clients, 2)
    await fail(other, 1)
    for node in (clients, other, make_node()):
        await locked(node)


async def test_a_lock_outlives_a_redis_that_forgets(clients: Clients, redis: RedisClient) -> None:
    await fail(clients, 3)
    await redis.flushdb()
    await locked(clients)


async def test_wrong_assertions_lock_too(clients: Clients) -> None:
    stranger = client_key("ES256", "stranger")
    for _ in range(3):
        with pytest.raises(InvalidClient):
            await clients.authenticated(SignedAssertion(None, stranger.assertion("scanner", "http://admin.test")), HOME)
    await locked(clients, SignedAssertion(None, client_key().assertion("scanner", "http://admin.test")))


async def test_requests_within_a_minute_are_limited(clients: Clients) -> None:
    for _ in range(5):
        await clients.authenticated(RIGHT, HOME)
    refused = await locked(clients, address=ELSEWHERE)
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert "5 requests a minute" in refused.detail


async def test_an_account_may_have_a_limit_of_its_own(clients: Clients) -> None:
    busy = SharedSecret("busy", "right")
    for _ in range(9):
        await clients.authenticated(busy, HOME)
    assert "9 requests" in (await locked(clients, busy)).detail


async def test_a_stranger_cannot_use_up_the_requests_of_a_client(clients: Clients) -> None:
    for number in range(6):
        await fail(clients, 1, f"198.51.100.{number}")
    for _ in range(5):
        assert await clients.authenticated(RIGHT, HOME)
