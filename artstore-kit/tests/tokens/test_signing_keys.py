"""Keys are asked for when a token names an unknown one, and seldom, however many unknown ones are named."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from artstore_kit.contracts.errors import NotAuthenticated, TokensUnverifiable
from artstore_kit.contracts.revocations import Revocation, RevocationList
from artstore_kit.testing.clock import Seconds
from artstore_kit.testing.tokens import TokenMint
from artstore_kit.tokens.bearer import TokenVerifier
from artstore_kit.tokens.jwks import FETCHED_AT_MOST_EVERY_S, PAUSE_AFTER_FAILURE_S, SigningKeys

STRANGERS = 100


@dataclass
class Counting:
    """An issuer that counts how often it is asked for its keys, and may be away."""

    mint: TokenMint = field(default_factory=TokenMint)
    asked: int = 0
    away: bool = False
    pull_every_s: float = 20.0

    async def keys(self) -> Mapping[str, object]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise TokensUnverifiable
        return self.mint.jwks()

    async def revocations(self, after: datetime | None) -> RevocationList:
        return await self.mint.revocations(after)

    async def heard(self, fresh: Sequence[Revocation]) -> None:
        """Nobody else is to be told."""


@pytest.fixture
def issuer() -> Counting:
    return Counting()


@pytest.fixture
def clock() -> Seconds:
    return Seconds(1_000_000.0)


@pytest.fixture
def keys(issuer: Counting, clock: Seconds) -> SigningKeys:
    return SigningKeys(issuer, clock)


async def test_unknown_names_are_asked_for_at_most_every_ten_seconds(
    issuer: Counting, keys: SigningKeys, clock: Seconds
) -> None:
    assert FETCHED_AT_MOST_EVERY_S == 10
    for fetches in (1, 2, 3):
        found = await asyncio.gather(*(keys.find(f"stranger-{number}") for number in range(STRANGERS)))
        assert (set(found), issuer.asked) == ({None}, fetches)
        clock.now += 9.9
        assert await keys.find("one more stranger") is None
        assert issuer.asked == fetches
        clock.now += 0.1


async def test_a_known_name_asks_nobody(issuer: Counting, keys: SigningKeys, clock: Seconds) -> None:
    for _ in range(3):
        assert await keys.find(issuer.mint.key_id) is not None
        clock.now += 3600
    assert issuer.asked == 1


async def test_strangers_do_not_keep_a_new_key_out_for_longer(
    issuer: Counting, keys: SigningKeys, clock: Seconds
) -> None:
    await keys.refresh()
    issuer.mint.key_id = "new"
    assert await keys.find("new") is None
    clock.now += 10
    assert await keys.find("new") is not None
    assert issuer.asked == 2


async def test_an_issuer_that_is_away_is_asked_once_a_second(
    issuer: Counting, keys: SigningKeys, clock: Seconds
) -> None:
    issuer.away = True
    for failures in (1, 2):
        answers = await asyncio.gather(*(keys.find(str(each)) for each in range(STRANGERS)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {TokensUnverifiable}
        assert issuer.asked == failures
        clock.now += PAUSE_AFTER_FAILURE_S
    issuer.away = False
    assert await keys.find(issuer.mint.key_id) is not None


async def test_tokens_with_names_made_up_do_not_reach_the_issuer(issuer: Counting) -> None:
    verifier = TokenVerifier(issuer.mint.settings(), issuer)
    await verifier.refresh_keys()
    for number in range(STRANGERS):
        token = issuer.mint.mint(header={"kid": f"made-up-{number}"})
        with pytest.raises(NotAuthenticated, match="does not publish"):
            await verifier.authenticate(f"Bearer {token}")
    assert issuer.asked == 1
