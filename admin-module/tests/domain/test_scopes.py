"""Narrowing, and the rule that nobody gives what they do not hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_module.domain.scopes import GRANTS_LIMIT_BYTES, narrowed, require_fits_token, require_may_give
from artstore_kit.contracts.errors import GrantMissing, InvalidFields, InvalidScope, ScopeMissing
from artstore_kit.contracts.identity import Action, Grant, Scope

# Few letters, so that patterns and collections often meet.
names = st.text("ab/", max_size=5)
patterns = st.text("ab/*", min_size=1, max_size=5)
grants = st.builds(Grant, collection=patterns, actions=st.frozensets(st.sampled_from(Action), min_size=1))
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


@given(held=st.lists(grants, max_size=3), new=grants, collection=names, action=st.sampled_from(Action))
def test_a_grant_that_may_be_given_allows_nothing_that_the_giver_may_not(
    held: list[Grant], new: Grant, collection: str, action: Action
) -> None:
    try:
        require_may_give(frozenset(), held, [], [new])
    except GrantMissing:
        return
    assert not new.covers(action, collection) or any(each.covers(action, collection) for each in held)


@given(held=grants, collection=names.filter(bool))
def test_a_right_to_one_collection_may_be_given_by_whoever_has_it(held: Grant, collection: str) -> None:
    new = grant(collection, *held.actions)
    if held.covers(next(iter(held.actions)), collection):
        require_may_give(frozenset(), [held], [], [new])
    else:
        with pytest.raises(GrantMissing):
            require_may_give(frozenset(), [held], [], [new])


@pytest.mark.parametrize(
    ("held", "given", "allowed"),
    [
        ("*", "*", True),
        ("*", "hr/2026", True),
        ("hr/*", "hr/2026", True),
        ("hr/*", "hr/*", True),
        ("hr/*", "hr/2026/*", True),
        ("*/2026", "hr/*/2026", True),
        ("hr/*", "hr", False),
        ("hr/*", "*", False),
        ("hr/2026", "hr/*", False),
        ("*/2026", "*", False),
        ("contracts", "contract", False),
    ],
)
def test_patterns_contain_patterns(held: str, given: str, allowed: bool) -> None:
    try:
        require_may_give(frozenset(), [grant(held, Action.READ)], [], [grant(given, Action.READ)])
    except GrantMissing:
        assert not allowed
    else:
        assert allowed


def test_each_action_must_be_held() -> None:
    with pytest.raises(GrantMissing, match="delete on 'hr'"):
        require_may_give(frozenset(), [grant("*", Action.READ)], [], [grant("hr", Action.READ, Action.DELETE)])


def test_actions_may_come_from_several_grants() -> None:
    held = [grant("*", Action.READ), grant("hr", Action.DELETE)]
    require_may_give(frozenset(), held, [], [grant("hr", Action.READ, Action.DELETE)])


@given(held=scopes, new=scopes)
def test_no_scope_is_given_that_is_not_held(held: frozenset[Scope], new: frozenset[Scope]) -> None:
    if new <= held:
        require_may_give(held, [], new, [])
    else:
        with pytest.raises(ScopeMissing):
            require_may_give(held, [], new, [])


def test_grants_that_make_a_token_too_long_are_refused() -> None:
    many = [grant(f"collection-{number:03}", *Action) for number in range(40)]
    require_fits_token(many)
    with pytest.raises(InvalidFields, match=str(GRANTS_LIMIT_BYTES)):
        require_fits_token(many * 2)
