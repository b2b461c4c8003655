"""Which collections a caller may read."""

import pytest

from artstore_kit.contracts.errors import GrantMissing
from artstore_kit.contracts.identity import Action, Grant
from artstore_kit.principal import Principal
from query_module.domain.rights import Readable, readable_by


def principal(*grants: tuple[str, Action]) -> Principal:
    given = tuple(Grant(collection=collection, actions=frozenset({action})) for collection, action in grants)
    return Principal("tester", "tester", frozenset(), given, frozenset(), 0.0)


def test_names_and_patterns_are_told_apart() -> None:
    who = principal(("hr", Action.READ), ("contracts/*", Action.READ), ("secret", Action.WRITE))
    assert readable_by(who) == Readable(frozenset({"hr"}), frozenset({"contracts/*"}))


@pytest.mark.parametrize("everything", ["*", "**"])
def test_all(everything: str) -> None:
    assert readable_by(principal(("hr", Action.READ), (everything, Action.READ))) is None


@pytest.mark.parametrize("who", [principal(), principal(("*", Action.WRITE), ("*", Action.DELETE))])
def test_no_grant_to_read_is_refused_and_not_an_empty_answer(who: Principal) -> None:
    with pytest.raises(GrantMissing):
        readable_by(who)
