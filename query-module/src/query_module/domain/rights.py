"""Which collections a caller may read, as the search condition needs it."""

from dataclasses import dataclass

from artstore_kit.contracts.errors import GrantMissing
from artstore_kit.contracts.identity import Action
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class Readable:
    """Collections by name and by pattern; `None` instead of this means all."""

    names: frozenset[str]
    patterns: frozenset[str]


def readable_by(who: Principal) -> Readable | None:
    """What the grants of `who` let him read. No read grant at all is refused: it must not look like "nothing found"."""
    granted = {grant.collection for grant in who.grants if Action.READ in grant.actions}
    if not granted:
        raise GrantMissing("The token carries no grant to read any collection.")
    if any(set(pattern) == {"*"} for pattern in granted):
        return None
    patterns = frozenset(pattern for pattern in granted if "*" in pattern)
    return Readable(names=frozenset(granted) - patterns, patterns=patterns)
