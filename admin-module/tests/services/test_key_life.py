"""Months in the life of signing keys, on a moved clock."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import jwt
import pytest

from admin_module.adapters import sealing
from admin_module.adapters.sealing import SealedKeys
from admin_module.config import Settings
from admin_module.domain.key_turns import Turns
from admin_module.domain.rights import NOTHING
from admin_module.domain.signing_keys import KEPT_AFTER_RETIREMENT, SIGNED_LATE, SigningKey, state_of
from admin_module.domain.subjects import administrator
from admin_module.services import keyring as keyring_module
from admin_module.services.audit import AuditLog
from admin_module.services.key_life import KeyLife
from admin_module.services.keyring import Keyring
from admin_module.services.known_revocations import KnownRevocations
from admin_module.services.own_issuer import OwnIssuer
from admin_module.services.revocations import Revocations
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import KeyUnknown, NotAuthenticated
from artstore_kit.contracts.keys import KeyState
from artstore_kit.contracts.revocations import RevocationKind
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock
from artstore_kit.tokens.bearer import TokenVerifier

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
AHEAD = 2 * MINUTE
PULL_S = 20
ADA = Principal("ada", "artstore-login", frozenset(), (), frozenset(), 0)


@pytest.fixture(autouse=True)
def shorter_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are made in a third of the time; and the table is read each time."""
    monkeypatch.setattr(sealing, "KEY_SIZE_BITS", 2048)
    monkeypatch.setattr(keyring_module, "READ_AGAIN_AFTER_S", 0.0)


@pytest.fixture
def node(
    database: Database, audit: AuditLog, settings: Settings, sealed_keys: SealedKeys, clock: MovableClock
) -> Callable[[], KeyLife]:
    """Another node of the admin module."""

    def make() -> KeyLife:
        keyring = Keyring(database, sealed_keys, settings.tokens, clock)
        revocations = Revocations(database, clock)
        return KeyLife(database, audit, sealed_keys, keyring, revocations, Turns(24 * HOUR, AHEAD), clock)

    return make


@pytest.fixture
async def life(node: Callable[[], KeyLife]) -> KeyLife:
    """A node that has kept up."""
    life = node()
    await life.keep_up()
    return life


class NoWakeUp:
    """Nobody listens."""

    async def say(self) -> None: ...


def verifier_of(life: KeyLife, settings: Settings) -> TokenVerifier:
    """A service's, on the same clock."""
    issuer = OwnIssuer(life.keyring, KnownRevocations(life.revocations, life.clock), NoWakeUp())  # type: ignore[arg-type]
    return TokenVerifier(settings.tokens, issuer, lambda: life.clock().timestamp())


async def states(life: KeyLife) -> list[tuple[str, KeyState]]:
    keys = await life.all()
    return [(key.kid, state_of(key, keys, life.clock())) for key in keys]


async def in_state(life: KeyLife, state: KeyState) -> SigningKey:
    (found,) = [key for key in await life.all() if (key.kid, state) in await states(life)]
    return found


async def token_of(life: KeyLife) -> str:
    return await life.keyring.sign(administrator("ada", [], NOTHING), life.clock())


async def signer(life: KeyLife) -> str:
    return str(jwt.get_unverified_header(await token_of(life))["kid"])


async def test_an_empty_table_gets_a_key_and_the_next(life: KeyLife) -> None:
    first, following = await life.all()
    assert [state for _, state in await states(life)] == [KeyState.CURRENT, KeyState.NEXT]
    assert following.not_before == first.not_before + 24 * HOUR
    assert await signer(life) == first.kid


async def test_nothing_is_done_twice_by_many_nodes(node: Callable[[], KeyLife], clock: MovableClock) -> None:
    nodes = [node() for _ in range(4)]
    for _ in range(2):
        await asyncio.gather(*(each.keep_up() for each in nodes))
        clock.move(24 * HOUR)
    await asyncio.gather(*(each.keep_up() for each in nodes))
    assert [state for _, state in await states(nodes[0])].count(KeyState.CURRENT) == 1
    assert len({await signer(each) for each in nodes}) == 1
    assert len(await nodes[0].all()) == 3  # the one before was removed when its last token had expired


async def test_a_key_is_published_used_retired_bared_and_removed(life: KeyLife, clock: MovableClock) -> None:
    first, following = await life.all()
    clock.move(24 * HOUR)
    assert await signer(life) == following.kid
    await life.keep_up()
    retired = await in_state(life, KeyState.RETIRED)
    assert (retired.kid, retired.retired_at) == (first.kid, following.not_before)
    assert retired.sealed_private_key
    clock.move(SIGNED_LATE)
    await life.keep_up()
    assert (await in_state(life, KeyState.RETIRED)).sealed_private_key == b""
    assert first.kid in str(await life.keyring.published())
    clock.move(KEPT_AFTER_RETIREMENT)
    await life.keep_up()
    assert first.kid not in dict(await states(life))
    assert first.kid not in str(await life.keyring.published())


async def test_a_rotation_on_demand_is_at_once_when_the_key_is_known(life: KeyLife, clock: MovableClock) -> None:
    first, following = await life.all()
    clock.move(AHEAD)
    await life.rotate(by=ADA)
    assert (
        dict(await states(life)).items()
        >= {
            first.kid: KeyState.RETIRED,
            following.kid: KeyState.CURRENT,
        }.items()
    )
    assert await signer(life) == following.kid
    newest = await in_state(life, KeyState.NEXT)
    assert newest.not_before == clock() + 24 * HOUR


async def test_a_rotation_on_demand_waits_until_the_key_is_known(life: KeyLife, clock: MovableClock) -> None:
    first, following = await life.all()
    for _ in range(2):  # asking again changes nothing
        await life.rotate(by=ADA)
        assert await signer(life) == first.kid
    planned = await in_state(life, KeyState.NEXT)
    assert (planned.kid, planned.not_before) == (following.kid, following.published_at + AHEAD)
    clock.move(AHEAD)
    assert await signer(life) == following.kid


async def test_the_current_key_is_revoked_and_the_next_signs(
    life: KeyLife, settings: Settings, clock: MovableClock
) -> None:
    first, following = await life.all()
    verifier, token = verifier_of(life, settings), await token_of(life)
    await verifier.authenticate(f"Bearer {token}")
    await life.revoke(first.kid, by=ADA)
    await life.revoke(first.kid, by=ADA)
    assert await signer(life) == following.kid
    assert (await in_state(life, KeyState.REVOKED)).sealed_private_key == b""
    assert first.kid not in str(await life.keyring.published())
    assert [(each.kind, each.name) for each in (await life.revocations.after(None)).items] == [
        (RevocationKind.KEY, first.kid)
    ]
    await verifier.refresh_revocations()
    with pytest.raises(NotAuthenticated, match="revoked"):
        await verifier.authenticate(f"Bearer {token}")
    await verifier.refresh_keys()
    assert (await verifier.authenticate(f"Bearer {await token_of(life)}")).subject == "ada"
    clock.move(KEPT_AFTER_RETIREMENT)
    await life.keep_up()
    assert first.kid not in dict(await states(life))


async def test_the_next_key_is_revoked_before_it_is_used(life: KeyLife) -> None:
    first, following = await life.all()
    await life.revoke(following.kid, by=ADA)
    newest = await in_state(life, KeyState.NEXT)
    assert newest.kid not in {first.kid, following.kid}
    assert await signer(life) == first.kid


async def test_every_key_can_be_revoked(life: KeyLife) -> None:
    known = {key.kid for key in await life.all()}
    for kid in known:
        await life.revoke(kid, by=ADA)
    assert await signer(life) not in known


async def test_an_unknown_key_is_not_revoked(life: KeyLife) -> None:
    with pytest.raises(KeyUnknown):
        await life.revoke("no-such-key", by=ADA)


async def test_each_turn_is_told(
    life: KeyLife, recorded: Callable[[], Awaitable[list[AuditEntry]]], clock: MovableClock
) -> None:
    first, following = await life.all()
    clock.move(AHEAD)
    await life.rotate(by=ADA)
    newest = await in_state(life, KeyState.NEXT)
    await life.revoke(first.kid, by=ADA)
    assert [(each.actor, each.action, each.resource) for each in await recorded()] == [
        ("admin-module", "key.create", f"key:{first.kid}"),
        ("admin-module", "key.create", f"key:{following.kid}"),
        ("admin-module", "key.create", f"key:{newest.kid}"),
        ("admin-module", "key.retire", f"key:{first.kid}"),
        ("ada", "key.rotate", f"key:{following.kid}"),
        ("ada", "key.revoke", f"key:{first.kid}"),
    ]


async def test_three_rotations_refuse_no_valid_token(life: KeyLife, settings: Settings, clock: MovableClock) -> None:
    """Two services pull at different moments; each token is shown to both, fresh and when it is about to end."""
    services = [verifier_of(life, settings) for _ in range(2)]
    waiting: list[tuple[float, str]] = []
    kids = set()
    for tick in range(3 * 90 + 1):
        if tick % 90 == 45:
            await life.rotate(by=ADA)
        await life.keep_up()
        for offset, service in enumerate(services):
            if tick % 2 == offset:
                await service.refresh_keys()
                await service.refresh_revocations()
        token = await token_of(life)
        kids.add(jwt.get_unverified_header(token)["kid"])
        waiting.append((clock().timestamp() + 890, token))
        ended = [each for due_at, each in waiting if due_at <= clock().timestamp()]
        waiting = [(due_at, each) for due_at, each in waiting if due_at > clock().timestamp()]
        for each in (token, *ended):
            for service in services:
                assert (await service.authenticate(f"Bearer {each}")).subject == "ada"
        clock.move(PULL_S / 2 * SECOND)
    assert len(kids) == 4
