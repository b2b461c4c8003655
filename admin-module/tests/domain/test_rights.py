"""Rights: put together, compared, and given or changed only by those who hold them."""

from fnmatch import fnmatchcase
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_module.domain.rights import NOTHING, Rights, require_may_give, require_power_over
from artstore_kit.contracts.errors import GrantMissing, HoldsMore, ScopeMissing
from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.principal import Principal

# Few letters, so that patterns and collections often meet.
names = st.text("ab/", max_size=5)
patterns = st.text("ab/*", min_size=1, max_size=5)
grants = st.builds(Grant, collection=patterns, actions=st.frozensets(st.sampled_from(Action), min_size=1))
scopes = st.frozensets(st.sampled_from(Scope))
any_rights = st.builds(lambda scopes, grants: Rights(scopes, tuple(grants)), scopes, st.lists(grants, max_size=3))


def grant(collection: str, *actions: Action) -> Grant:
    return Grant(collection=collection, actions=frozenset(actions))


def rights(*grants: Grant) -> Rights:
    return Rights(frozenset(), grants)


def principal(held: Rights) -> Principal:
    return Principal("ada", "ada", held.scopes, held.grants, frozenset(), 0)


@given(held=st.lists(grants, max_size=3), new=grants, collection=names, action=st.sampled_from(Action))
def test_a_grant_that_may_be_given_allows_nothing_that_the_giver_may_not(
    held: list[Grant], new: Grant, collection: str, action: Action
) -> None:
    try:
        require_may_give(rights(*held), rights(new))
    except GrantMissing:
        return
    assert not new.covers(action, collection) or any(each.covers(action, collection) for each in held)


@given(held=grants, collection=names.filter(bool))
def test_a_right_to_one_collection_may_be_given_by_whoever_has_it(held: Grant, collection: str) -> None:
    new = grant(collection, *held.actions)
    if held.covers(next(iter(held.actions)), collection):
        require_may_give(rights(held), rights(new))
    else:
        with pytest.raises(GrantMissing):
            require_may_give(rights(held), rights(new))


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
        require_may_give(rights(grant(held, Action.READ)), rights(grant(given, Action.READ)))
    except GrantMissing:
        assert not allowed
    else:
        assert allowed


def test_each_action_must_be_held() -> None:
    with pytest.raises(GrantMissing, match="delete on 'hr'"):
        require_may_give(rights(grant("*", Action.READ)), rights(grant("hr", Action.READ, Action.DELETE)))


def test_actions_may_come_from_several_grants() -> None:
    held = [grant("*", Action.READ), grant("hr", Action.DELETE)]
    require_may_give(rights(*held), rights(grant("hr", Action.READ, Action.DELETE)))


@given(held=scopes, new=scopes)
def test_no_scope_is_given_that_is_not_held(held: frozenset[Scope], new: frozenset[Scope]) -> None:
    if new <= held:
        require_may_give(Rights(held), Rights(new))
    else:
        with pytest.raises(ScopeMissing):
            require_may_give(Rights(held), Rights(new))


@given(one=any_rights, other=any_rights, collection=names, action=st.sampled_from(Action))
def test_both_together_allow_what_either_allows(one: Rights, other: Rights, collection: str, action: Action) -> None:
    both = one | other
    assert both.scopes == one.scopes | other.scopes
    either = principal(one).may(action, collection) or principal(other).may(action, collection)
    assert principal(both).may(action, collection) == either


@given(one=any_rights, other=any_rights, by=any_rights)
def test_whoever_may_give_both_may_give_them_together(one: Rights, other: Rights, by: Rights) -> None:
    together = not by.missing(one | other)
    assert together == (not by.missing(one) and not by.missing(other))


@given(held=any_rights)
def test_nobody_lacks_what_they_hold(held: Rights) -> None:
    assert not held.missing(held)
    assert not held.missing(NOTHING)
    assert bool(NOTHING.missing(held)) == bool(held)


@given(by=any_rights, subject=any_rights)
def test_power_is_had_over_those_who_hold_no_more(by: Rights, subject: Rights) -> None:
    try:
        require_power_over(by, subject)
    except HoldsMore:
        with pytest.raises((ScopeMissing, GrantMissing)):
            require_may_give(by, subject)
    else:
        require_may_give(by, subject)


def test_what_is_missing_for_power_is_told() -> None:
    subject = Rights(frozenset({Scope.FILES_READ}), (grant("hr", Action.READ, Action.WRITE),))
    with pytest.raises(HoldsMore, match=r"files:read, write on 'hr'\."):
        require_power_over(rights(grant("*", Action.READ)), subject)


def test_containment_is_that_of_all_collections() -> None:
    """Each pair of patterns of up to 4 characters, against each collection of up to 5, counted out.

    The collections have a letter that no pattern has: of the real ones, each pattern lacks some letter.
    """
    collections = ["".join(letters) for size in range(6) for letters in product("abz", repeat=size)]
    patterns = ["".join(letters) for size in range(1, 5) for letters in product("ab*", repeat=size)]
    matched = {p: {c for c in collections if fnmatchcase(c, p)} for p in patterns}
    for held, wanted in product(patterns, repeat=2):
        contained = not rights(grant(held, Action.READ)).missing(rights(grant(wanted, Action.READ)))
        assert contained == (matched[wanted] <= matched[held]), (held, wanted)


@given(held=st.lists(patterns, min_size=2, max_size=3), wanted=patterns)
def test_patterns_together_contain_no_more_than_one_of_them_alone(held: list[str], wanted: str) -> None:
    collections = ["".join(letters) for size in range(6) for letters in product("ab/z", repeat=size)]
    covered = all(any(fnmatchcase(c, each) for each in held) for c in collections if fnmatchcase(c, wanted))
    missing = rights(*(grant(each, Action.READ) for each in held)).missing(rights(grant(wanted, Action.READ)))
    assert covered == (not missing)
