"""Several signing keys, and a database that is away."""

import asyncio
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.signing_keys import insert_key
from admin_module.domain.clock import Clock
from admin_module.domain.rights import NOTHING
from admin_module.domain.signing_keys import SigningKey
from admin_module.domain.subjects import administrator
from admin_module.services import keyring as keyring_module
from admin_module.services.keyring import Keyring
from artstore_kit.contracts.errors import DatabaseUnavailable, SigningKeyMissing
from artstore_kit.postgres import Database
from artstore_kit.testing.clock import MovableClock

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def always_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_module, "READ_AGAIN_AFTER_S", 0.0)


async def add_key(
    database: Database, sealed_keys: SealedKeys, clock: Clock, starts: timedelta, ends: timedelta | None = None
) -> str:
    public_jwk, sealed = await asyncio.to_thread(sealed_keys.generate)
    now = clock()
    key = SigningKey(public_jwk["kid"], public_jwk, sealed, now, now + starts, None if ends is None else now + ends)
    async with database.transaction() as connection:
        await insert_key(connection, key)
    return key.kid


async def published(keyring: Keyring) -> set[str]:
    listed = (await keyring.published())["keys"]
    assert isinstance(listed, list)
    return {key["kid"] for key in listed}


async def signs_with(keyring: Keyring) -> str:
    header = jwt.get_unverified_header(await keyring.sign(administrator("ada", [], NOTHING), datetime.now(UTC)))
    return str(header["kid"])


async def test_without_a_key_nothing_is_signed(keyring: Keyring) -> None:
    with pytest.raises(SigningKeyMissing):
        await keyring.open()
    with pytest.raises(SigningKeyMissing):
        await keyring.check()


async def test_all_who_ask_at_once_get_tokens_of_their_own(
    database: Database, sealed_keys: SealedKeys, keyring: Keyring, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_key(database, sealed_keys, clock, -HOUR)
    monkeypatch.setattr(keyring_module, "READ_AGAIN_AFTER_S", 10.0)
    await keyring.open()
    names = [f"person-{number}" for number in range(20)]
    tokens = await asyncio.gather(*(keyring.sign(administrator(name, [], NOTHING), clock()) for name in names))
    listed = (await keyring.published())["keys"]
    assert isinstance(listed, list)
    key = jwt.PyJWK(listed[0], "RS256")
    claims = [jwt.decode(token, key, ["RS256"], audience="artstore") for token in tokens]
    assert [each["sub"] for each in claims] == names
    assert len({each["jti"] for each in claims}) == 20


async def test_keys_take_turns(
    database: Database, sealed_keys: SealedKeys, keyring: Keyring, clock: MovableClock
) -> None:
    first = await add_key(database, sealed_keys, clock, -HOUR, HOUR)
    second = await add_key(database, sealed_keys, clock, HOUR)
    assert await published(keyring) == {first, second}
    assert await signs_with(keyring) == first
    clock.move(HOUR)
    assert await signs_with(keyring) == second
    assert await published(keyring) == {first, second}
    clock.move(HOUR)
    assert await published(keyring) == {second}


async def test_known_keys_go_on_while_the_database_is_away(
    database: Database,
    sealed_keys: SealedKeys,
    keyring: Keyring,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kid = await add_key(database, sealed_keys, clock, -HOUR)
    await keyring.open()

    def away() -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(database, "connect", away)
    assert await published(keyring) == {kid}
    assert await signs_with(keyring) == kid
