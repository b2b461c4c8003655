"""Tokens for programs, on the clock of 90 days."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from admin_module.adapters.account_secrets import add_secret
from admin_module.config import AccountsSettings
from admin_module.domain.proofs import SharedSecret
from admin_module.domain.secrets import hashed, new_secret
from admin_module.services.accounts import Accounts
from admin_module.services.audit import AuditLog
from admin_module.services.clients import Clients
from admin_module.services.first_start import FirstStart
from admin_module.services.keyring import Keyring
from admin_module.services.repeats import Repeats
from admin_module.services.tokens import ClientTokens
from artstore_kit.contracts.errors import InvalidClient, InvalidScope
from artstore_kit.contracts.identity import CreatedServiceAccount, NewServiceAccount, Scope, TokenAnswer
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock

SECOND = timedelta(seconds=1)
LIFETIME = timedelta(days=90)


@pytest.fixture
async def tokens(clients: Clients, keyring: Keyring, first_start: Callable[[], FirstStart]) -> ClientTokens:
    await first_start().run()
    await keyring.open()
    return ClientTokens(clients, keyring)


@pytest.fixture
async def scanner(
    database: Database, audit: AuditLog, repeats: Repeats, tokens: ClientTokens, ada: Principal, clock: MovableClock
) -> CreatedServiceAccount:
    """An account with two scopes, made now."""
    new = NewServiceAccount(client_id="scanner", scopes=frozenset({Scope.FILES_READ, Scope.FILES_WRITE}))
    return await Accounts(database, audit, repeats, AccountsSettings(), clock).create(new, by=ada)


async def issued(tokens: ClientTokens, client_id: str, secret: str, scope: str = "") -> TokenAnswer:
    return await tokens.issue(SharedSecret(client_id, secret), "127.0.0.1", scope)


async def test_scopes_can_be_fewer_but_not_more(tokens: ClientTokens, scanner: CreatedServiceAccount) -> None:
    for asked, given in (("", "files:read files:write"), ("files:read", "files:read")):
        assert (await issued(tokens, "scanner", scanner.client_secret, asked)).scope == given
    with pytest.raises(InvalidScope):
        await issued(tokens, "scanner", scanner.client_secret, "files:read files:delete")


async def test_a_secret_is_good_for_90_days(
    tokens: ClientTokens, scanner: CreatedServiceAccount, clock: MovableClock
) -> None:
    clock.move(LIFETIME - SECOND)
    assert await issued(tokens, "scanner", scanner.client_secret)
    clock.move(SECOND)
    with pytest.raises(InvalidClient):
        await issued(tokens, "scanner", scanner.client_secret)


async def test_fleet_accounts_do_not_expire(tokens: ClientTokens, fleet: dict[str, str], clock: MovableClock) -> None:
    clock.move(100 * LIFETIME)
    assert await issued(tokens, "query-module", fleet["query-module"])


async def test_two_secrets_can_overlap(
    database: Database, tokens: ClientTokens, scanner: CreatedServiceAccount, clock: MovableClock
) -> None:
    second = new_secret()
    async with database.transaction() as connection:
        await add_secret(connection, "scanner", hashed(second), clock(), clock() + 2 * LIFETIME)
    for secret in (scanner.client_secret, second):
        assert await issued(tokens, "scanner", secret)
    clock.move(LIFETIME)
    assert await issued(tokens, "scanner", second)


@pytest.mark.parametrize("client_id", ["scanner", "nobody", ""])
async def test_a_wrong_secret_and_an_unknown_client_are_told_alike(
    tokens: ClientTokens, scanner: CreatedServiceAccount, client_id: str
) -> None:
    with pytest.raises(InvalidClient) as refused:
        await issued(tokens, client_id, new_secret())
    assert refused.value.detail == "The client is unknown or its secret is wrong."


async def test_a_secret_does_not_open_another_account(
    tokens: ClientTokens, scanner: CreatedServiceAccount, fleet: dict[str, str]
) -> None:
    with pytest.raises(InvalidClient):
        await issued(tokens, "scanner", fleet["query-module"])
