"""What a subject may, and the rule that nobody gives, or has power over, what they do not hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from operator import or_

from artstore_kit.contracts.errors import GrantMissing, HoldsMore, ScopeMissing
from artstore_kit.contracts.identity import Action, Grant
from artstore_kit.principal import Principal

_ANYTHING = "\0"
"""Stands for what a `*` matches: no collection holds it, so that only another `*` can match it."""


@dataclass(frozen=True)
class Rights:
    """Scopes, and grants on collections."""

    scopes: frozenset[str] = frozenset()
    grants: tuple[Grant, ...] = ()

    def __or__(self, other: "Rights") -> "Rights":
        """Both together; grants on one pattern become one."""
        if not other.grants:
            return Rights(self.scopes | other.scopes, self.grants)
        return Rights(self.scopes | other.scopes, _merged((*self.grants, *other.grants)))

    def with_all(self, others: "Iterable[Rights]") -> "Rights":
        """All together."""
        return reduce(or_, others, self)

    def missing(self, wanted: "Rights") -> "Rights":
        """What of `wanted` is not held.

        A pattern that several grants cover together is covered by one of them alone: what its `*` stands for may hold
        a letter that is in none of theirs.
        """
        grants = (self._not_granted(grant) for grant in wanted.grants)
        return Rights(wanted.scopes - self.scopes, tuple(grant for grant in grants if grant.actions))

    def _not_granted(self, wanted: Grant) -> Grant:
        actions = (
            each for each in wanted.actions if not any(_contains(h, wanted.collection, each) for h in self.grants)
        )
        return Grant(collection=wanted.collection, actions=frozenset(actions))

    def __bool__(self) -> bool:
        """Whether there is any right here."""
        return bool(self.scopes or self.grants)


NOTHING = Rights()


def held_by(principal: Principal) -> Rights:
    """The rights that the principal's token carries: those of a narrowed token are fewer than its subject's."""
    return Rights(principal.scopes, principal.grants)


def require_may_give(by: Rights, given: Rights) -> None:
    """Nobody gives what they do not hold; raise `ScopeMissing` or `GrantMissing`."""
    missing = by.missing(given)
    if missing.scopes:
        raise ScopeMissing(f"You cannot give a scope that you do not hold: {', '.join(sorted(missing.scopes))}.")
    for grant in missing.grants:
        actions = ", ".join(sorted(grant.actions))
        raise GrantMissing(f"You cannot give {actions} on '{grant.collection}': you do not hold it.")


def require_power_over(by: Rights, subject: Rights) -> None:
    """Nobody changes, suspends or removes whoever holds more than they do; raise `HoldsMore`."""
    missing = by.missing(subject)
    if missing:
        raise HoldsMore(f"It holds what you do not: {', '.join(_named(missing))}.")


def _named(rights: Rights) -> Iterable[str]:
    yield from sorted(rights.scopes)
    for grant in rights.grants:
        yield f"{', '.join(sorted(grant.actions))} on '{grant.collection}'"


def _merged(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    actions: dict[str, frozenset[Action]] = {}
    for grant in grants:
        actions[grant.collection] = actions.get(grant.collection, frozenset()) | grant.actions
    return tuple(Grant(collection=collection, actions=each) for collection, each in actions.items())


def _contains(held: Grant, pattern: str, action: Action) -> bool:
    """Whether `held` allows `action` on every collection that `pattern` matches."""
    return action in held.actions and fnmatchcase(pattern.replace("*", _ANYTHING), held.collection)
