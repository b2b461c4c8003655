"""What an attempt costs tells nobody whether a client exists: the same statements, the same signatures checked."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from admin_module.adapters import assertions
from admin_module.adapters.account_secrets import add_secret
from admin_module.adapters.accounts import insert_account
from admin_module.domain.accounts import account_of
from admin_module.domain.proofs import Assertion, Proof, SharedSecret, SignedAssertion
from admin_module.domain.secrets import hashed
from admin_module.services.clients import Clients
from artstore_kit.contracts.client_keys import KEYS_AT_MOST, KeySet
from artstore_kit.contracts.errors import InvalidClient
from artstore_kit.contracts.identity import NewServiceAccount
from artstore_kit.postgres import Database
from artstore_kit.testing.client_keys import ClientKey, client_key

ISSUER = "http://admin.test"

type Work = list[str]


def _signed(name: str) -> SignedAssertion:
    """By a key that nobody has registered."""
    stranger = ClientKey("ES256", client_key("ES256", "stranger").private_key)
    return SignedAssertion(None, stranger.assertion(name, ISSUER))


def _signed_by(kid: str) -> Callable[[str], SignedAssertion]:
    """By that one too, who says that it is another."""
    stranger = ClientKey("ES256", client_key("ES256", "stranger").private_key, kid)
    return lambda name: SignedAssertion(None, stranger.assertion(name, ISSUER))


@pytest.fixture
async def work(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Work]:
    """What is done, in order: statements, comparisons of secrets, signatures checked."""
    done: Work = []
    verifies, compares = assertions._verifies, hmac.compare_digest

    def verified(key: object, assertion: Assertion) -> bool:
        done.append("signature")
        return verifies(key, assertion)

    def compared(one: bytes, other: bytes) -> bool:
        done.append("comparison")
        return compares(one, other)

    def executed(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        done.append(statement)

    monkeypatch.setattr(assertions, "_verifies", verified)
    monkeypatch.setattr(hmac, "compare_digest", compared)
    sa.event.listen(database._engine.sync_engine, "before_cursor_execute", executed)
    yield done
    sa.event.remove(database._engine.sync_engine, "before_cursor_execute", executed)


@pytest.fixture(autouse=True)
async def accounts(database: Database) -> None:
    """One with a key only, one with as many as there may be, one with an expired secret only."""
    now = datetime.now(UTC)
    several = [client_key("ES256", f"key-{number}").jwk for number in range(KEYS_AT_MOST)]
    keys = {"signer": client_key().jwk, "signers": {"keys": several}, "expired": None}
    async with database.transaction() as connection:
        for name, given in keys.items():
            jwks = KeySet.model_validate(given) if given else None
            new = NewServiceAccount(client_id=name, scopes=frozenset(), jwks=jwks)
            await insert_account(connection, account_of(new, system=False, created_at=now, secret_expires_at=None))
        await add_secret(connection, "expired", hashed("right"), now, now)


async def done_for(clients: Clients, work: Work, proof: Proof) -> Work:
    work.clear()
    with pytest.raises(InvalidClient):
        await clients.authenticated(proof, "192.0.2.1")
    return work.copy()


@pytest.mark.parametrize(
    ("make", "checks"),
    [
        (lambda name: SharedSecret(name, "right"), 1),
        (_signed, KEYS_AT_MOST),
        (_signed_by("key-3"), 1),
        (_signed_by("no such key"), 1),
    ],
    ids=["secret", "signature", "signature of a named key", "signature of a key that nobody has"],
)
async def test_unknown_clients_cost_as_much(
    clients: Clients, work: Work, make: Callable[[str], Proof], checks: int
) -> None:
    unknown = await done_for(clients, work, make("nobody"))
    assert len(unknown) == 1 + checks  # one statement, and comparisons or signatures
    for name in ("signer", "signers", "expired"):
        assert await done_for(clients, work, make(name)) == unknown


async def test_those_who_come_at_once_share_a_statement_and_get_their_own_answers(
    database: Database, clients: Clients, work: Work
) -> None:
    async with database.transaction() as connection:
        await add_secret(connection, "signer", hashed("its own"), datetime.now(UTC), None)
    work.clear()
    shown = [SharedSecret(name, "its own") for name in ("expired", "signer", "nobody", "signer")]
    answers = await asyncio.gather(
        *(clients.authenticated(each, "192.0.2.1") for each in shown), return_exceptions=True
    )
    assert [getattr(each, "client_id", type(each)) for each in answers] == [
        InvalidClient,
        "signer",
        InvalidClient,
        "signer",
    ]
    assert len([each for each in work if each.startswith("SELECT")]) == 1
