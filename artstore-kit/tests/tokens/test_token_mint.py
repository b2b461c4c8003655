"""Minted tokens are accepted, or refused, for the reason that the test means."""

import pytest

from artstore_kit.contracts.errors import NotAuthenticated, ScopeMissing
from artstore_kit.contracts.identity import LOGIN_CLIENT, Action, Scope
from artstore_kit.testing.tokens import TokenMint
from artstore_kit.tokens.bearer import TokenVerifier


@pytest.fixture
def verifier(mint: TokenMint) -> TokenVerifier:
    return TokenVerifier(mint.settings(), mint)


async def test_a_minted_token_carries_what_was_asked_for(mint: TokenMint, verifier: TokenVerifier) -> None:
    principal = await verifier.authenticate(mint.bearer("ann", scopes=[Scope.FILES_READ])["Authorization"])
    assert (principal.subject, principal.scopes) == ("ann", frozenset({"files:read"}))
    assert principal.may(Action.DELETE, "hr/2026")


@pytest.mark.parametrize("scope", Scope)
async def test_people_use_no_scope_of_services(mint: TokenMint, verifier: TokenVerifier, scope: Scope) -> None:
    program = await verifier.authenticate(mint.bearer("scanner")["Authorization"])
    person = await verifier.authenticate(f"Bearer {mint.mint('ann', client_id=LOGIN_CLIENT)}")
    program.require(scope)
    if scope not in {"fleet:act-for", "audit:write", "approvals:use"}:
        person.require(scope)
        return
    with pytest.raises(ScopeMissing, match="a person may give but not use"):
        person.require(scope)


@pytest.mark.parametrize(
    "token",
    [
        TokenMint().mint(),
        TokenMint(key_id="unknown").mint(),
        "not.a.token",
    ],
)
async def test_foreign_tokens_are_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(NotAuthenticated):
        await verifier.authenticate(f"Bearer {token}")


async def test_tokens_are_refused_one_wrong_claim_at_a_time(mint: TokenMint, verifier: TokenVerifier) -> None:
    wrong = [
        mint.mint(expires_in_s=-120),
        mint.mint(audience="another"),
        mint.mint(iss="http://elsewhere.test"),
        mint.mint(jti=None),
        mint.mint(header={"typ": "JWT"}),
    ]
    for token in wrong:
        with pytest.raises(NotAuthenticated):
            await verifier.authenticate(f"Bearer {token}")
