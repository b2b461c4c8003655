"""Every hostile token is refused, and for what is wrong with it; the good one, made in the same way, is not."""

import json

import pytest

from artstore_kit.contracts.errors import NotAuthenticated
from artstore_kit.testing import hostile
from artstore_kit.testing.hostile import hostile_tokens
from artstore_kit.testing.tokens import TokenMint
from artstore_kit.tokens.bearer import TokenVerifier

MINT = TokenMint()
TOKENS = hostile_tokens(MINT)


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier(MINT.settings(), MINT)


def test_there_are_enough() -> None:
    assert len(TOKENS) >= 100
    assert len(set(TOKENS.values())) == len(TOKENS)


@pytest.mark.parametrize("name", TOKENS)
async def test_a_hostile_token_is_refused(verifier: TokenVerifier, name: str) -> None:
    for _ in range(2):  # nothing of it is remembered
        with pytest.raises(NotAuthenticated) as refusal:
            await verifier.authenticate(f"Bearer {TOKENS[name]}")
    assert 'error="invalid_token"' in refusal.value.headers["WWW-Authenticate"]


async def test_what_the_same_hand_writes_rightly_is_accepted(verifier: TokenVerifier) -> None:
    token = hostile._signed(MINT, hostile._head(MINT), hostile._claims(MINT))
    assert (await verifier.authenticate(f"Bearer {token}")).subject == "tester"
    spelt = hostile._signed(MINT, hostile._head(MINT, typ="application/AT+JWT"), hostile._claims(MINT))
    assert (await verifier.authenticate(f"bearer {spelt}")).subject == "tester"


@pytest.mark.parametrize(
    "spelling", ["Bearer  {}", "Bearer {} ", "Bearer {}\n", "Bearer\t{}", " Bearer {}", "Bearer {},x"]
)
async def test_blanks_make_another_token(verifier: TokenVerifier, spelling: str) -> None:
    with pytest.raises(NotAuthenticated):
        await verifier.authenticate(spelling.format(MINT.mint()))


async def test_a_key_of_another_kind_verifies_nothing() -> None:
    class Elliptic(TokenMint):
        def jwks(self) -> dict[str, object]:
            listed = json.loads(json.dumps(super().jwks()))["keys"]
            return {"keys": [*listed, {"kty": "oct", "kid": "oct", "k": "AAAA"}]}

    issuer = Elliptic()
    secret = TokenMint(issuer.issuer, key_id="oct").mint()
    with pytest.raises(NotAuthenticated, match="does not publish"):
        await TokenVerifier(issuer.settings(), issuer).authenticate(f"Bearer {secret}")
