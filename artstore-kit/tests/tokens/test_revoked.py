"""A token that was revoked is refused, remembered or not; a list that cannot be had is not an empty one."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from artstore_kit.contracts.errors import DependencyUnavailable, NotAuthenticated, TokensUnverifiable
from artstore_kit.contracts.revocations import Revocation, RevocationKind, RevocationList
from artstore_kit.health import Health
from artstore_kit.testing.tokens import TokenMint
from artstore_kit.tokens import revoked as revoked_module
from artstore_kit.tokens.bearer import TokenVerifier

LATER = datetime.now(UTC) + timedelta(minutes=20)


@dataclass
class Faulty:
    """An issuer that can be away, and that remembers what it was asked."""

    mint: TokenMint
    away: bool = False
    keyless: bool = False
    asked: list[datetime | None] = field(default_factory=list)
    heard_of: list[Revocation] = field(default_factory=list)
    pull_every_s: float = 20.0

    async def keys(self) -> Mapping[str, object]:
        if self.away:
            raise TokensUnverifiable
        return {"keys": []} if self.keyless else self.mint.jwks()

    async def revocations(self, after: datetime | None) -> RevocationList:
        self.asked.append(after)
        if self.away:
            raise DependencyUnavailable
        return await self.mint.revocations(after)

    async def heard(self, fresh: Sequence[Revocation]) -> None:
        self.heard_of.extend(fresh)


@pytest.fixture
def issuer() -> Faulty:
    return Faulty(TokenMint())


@pytest.fixture
def verifier(issuer: Faulty) -> TokenVerifier:
    return TokenVerifier(issuer.mint.settings(), issuer)


def revocations_of(token: str) -> list[Revocation]:
    claims = jwt.decode(token, options={"verify_signature": False})
    before = datetime.fromtimestamp(claims["iat"] + 1, UTC)
    return [
        Revocation(kind=RevocationKind.TOKEN, name=claims["jti"], ends_at=LATER),
        Revocation(kind=RevocationKind.SESSION, name=claims.get("sid", "another"), ends_at=LATER),
        Revocation(kind=RevocationKind.SUBJECT, name=claims["sub"], before=before, ends_at=LATER),
        Revocation(kind=RevocationKind.KEY, name="test-key", ends_at=LATER),
    ]


async def refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(NotAuthenticated, match="revoked") as refusal:
        await verifier.authenticate(f"Bearer {token}")
    assert 'error="invalid_token"' in refusal.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize("which", range(4), ids=list(RevocationKind))
@pytest.mark.parametrize("remembered", [True, False], ids=["remembered", "seen for the first time"])
async def test_what_was_revoked_is_refused(
    issuer: Faulty, verifier: TokenVerifier, which: int, remembered: bool
) -> None:
    token = issuer.mint.mint(sid="a-session")
    if remembered:
        await verifier.authenticate(f"Bearer {token}")
    issuer.mint.revoked.append(revocations_of(token)[which])
    await verifier.refresh_revocations()
    await refused(verifier, token)
    assert issuer.heard_of == issuer.mint.revoked


async def test_others_are_still_good(issuer: Faulty, verifier: TokenVerifier) -> None:
    token, another = issuer.mint.mint("ann"), issuer.mint.mint("ben")
    issuer.mint.revoked.extend(revocations_of(token)[:3])
    await verifier.authenticate(f"Bearer {another}")
    new = issuer.mint.mint("ann", iat=int(time.time()) + 2)
    assert (await verifier.authenticate(f"Bearer {new}")).subject == "ann"


async def test_a_list_that_was_never_read_lets_nobody_in(issuer: Faulty, verifier: TokenVerifier) -> None:
    token = issuer.mint.mint()
    await verifier.refresh_keys()
    issuer.away = True
    for _ in range(2):
        with pytest.raises(TokensUnverifiable):
            await verifier.authenticate(f"Bearer {token}")
    assert len(issuer.asked) == 1  # the second came too soon after the first
    assert (await verifier.check.run()).health is Health.DEGRADED


async def test_a_known_list_goes_on_while_the_issuer_is_away(issuer: Faulty, verifier: TokenVerifier) -> None:
    good, bad = issuer.mint.mint("ann"), issuer.mint.mint("ben")
    issuer.mint.revoked.extend(revocations_of(bad)[:1])
    await verifier.refresh_keys()
    await verifier.refresh_revocations()
    issuer.away = True
    for refresh in (verifier.refresh_keys, verifier.refresh_revocations):
        with pytest.raises(DependencyUnavailable):
            await refresh()
    await verifier.authenticate(f"Bearer {good}")
    await refused(verifier, bad)


async def test_an_old_list_is_told(issuer: Faulty, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch) -> None:
    await verifier.refresh_revocations()
    assert (await verifier.check.run()).health is Health.OK
    monkeypatch.setattr(revoked_module, "STALE_AFTER_S", -1.0)
    found = await verifier.check.run()
    assert (found.health, found.detail) == (Health.DEGRADED, "the list of revocations was not read for 0 s")


async def test_only_what_is_new_is_asked_for_and_told(issuer: Faulty, verifier: TokenVerifier) -> None:
    issuer.mint.revoked.extend(revocations_of(issuer.mint.mint()))
    for _ in range(2):
        await verifier.refresh_revocations()
    assert issuer.asked[0] is None
    assert issuer.asked[1] is not None
    assert issuer.heard_of == issuer.mint.revoked


async def test_now_and_then_all_of_it_is_asked_for(
    issuer: Faulty, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that none is missed that was committed late."""
    await verifier.refresh_revocations()
    monkeypatch.setattr(revoked_module, "WHOLE_EVERY_S", 0.0)
    await verifier.refresh_revocations()
    assert issuer.asked == [None, None]


async def test_an_entry_ends(issuer: Faulty) -> None:
    now = time.time()
    verifier = TokenVerifier(issuer.mint.settings(), issuer, lambda: now)
    token = issuer.mint.mint(expires_in_s=9000)
    issuer.mint.revoked.extend(revocations_of(token)[:1])
    await verifier.refresh_revocations()
    await refused(verifier, token)
    now = LATER.timestamp()
    issuer.mint.revoked.clear()
    await verifier.refresh_revocations()
    await verifier.authenticate(f"Bearer {token}")


async def test_a_key_stays_revoked_for_as_long_as_it_is_known(issuer: Faulty) -> None:
    """Its revocation has ended when nothing can be published of it any more; we may not have heard so."""
    now = time.time()
    verifier = TokenVerifier(issuer.mint.settings(), issuer, lambda: now)
    issuer.mint.revoked.extend(revocations_of(issuer.mint.mint())[3:])
    await verifier.refresh_keys()
    await verifier.refresh_revocations()
    now = LATER.timestamp()
    forged = issuer.mint.mint(iat=int(now), exp=int(now) + 60)
    issuer.mint.revoked.clear()
    await verifier.refresh_revocations()
    await refused(verifier, forged)
    issuer.mint.key_id = "another"
    await verifier.refresh_keys()
    await verifier.refresh_revocations()
    assert not verifier.revoked._entries


async def test_a_key_that_is_published_no_more_verifies_nothing(issuer: Faulty, verifier: TokenVerifier) -> None:
    token = issuer.mint.mint()
    await verifier.authenticate(f"Bearer {token}")
    issuer.mint.key_id = "another"
    await verifier.refresh_keys()
    with pytest.raises(NotAuthenticated, match="does not publish"):
        await verifier.authenticate(f"Bearer {token}")


async def test_an_answer_without_keys_is_none(issuer: Faulty, verifier: TokenVerifier) -> None:
    token = issuer.mint.mint()
    await verifier.authenticate(f"Bearer {token}")
    issuer.keyless = True
    with pytest.raises(TokensUnverifiable, match="no key set"):
        await verifier.refresh_keys()
    assert (await verifier.authenticate(f"Bearer {issuer.mint.mint()}")).subject == "tester"


async def test_a_list_that_the_issuer_itself_could_not_read_again_grows_old(
    issuer: Faulty, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_of = datetime.now(UTC)
    monkeypatch.setattr(issuer.mint, "revocations", lambda _: _told(as_of))
    await verifier.refresh_revocations()
    read_at = verifier.revoked._read_at
    await verifier.refresh_revocations()
    assert verifier.revoked._read_at == read_at
    as_of += timedelta(seconds=1)
    await verifier.refresh_revocations()
    assert verifier.revoked._read_at > read_at


async def _told(as_of: datetime) -> RevocationList:
    return RevocationList(as_of=as_of, items=[])
