"""Narrowing, and the length of tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_module.domain.scopes import GRANTS_LIMIT_BYTES, narrowed, require_fits_token
from artstore_kit.contracts.errors import InvalidFields, InvalidScope
from artstore_kit.contracts.identity import Action, Grant, Scope

scopes = st.frozensets(st.sampled_from(Scope))


def grant(collection: str, *actions: Action) -> Grant:
    return Grant(collection=collection, actions=frozenset(actions))


@given(held=scopes, asked=scopes)
def test_a_token_holds_what_was_asked_of_what_is_held(held: frozenset[Scope], asked: frozenset[Scope]) -> None:
    if asked <= held:
        assert set(narrowed(held, " ".join(asked))) == (asked or held)
    else:
        with pytest.raises(InvalidScope):
            narrowed(held, " ".join(asked))


def test_an_unknown_scope_is_refused() -> None:
    with pytest.raises(InvalidScope, match="no scopes but these: files:read"):
        narrowed([Scope.FILES_READ], "files:burn files:read")


def test_grants_that_make_a_token_too_long_are_refused() -> None:
    many = [grant(f"collection-{number:03}", *Action) for number in range(40)]
    require_fits_token(many)
    with pytest.raises(InvalidFields, match=str(GRANTS_LIMIT_BYTES)):
        require_fits_token(many * 2)
