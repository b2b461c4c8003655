"""Which scopes a token gets, and who may give which rights to whom."""

import json
from collections.abc import Iterable, Sequence, Set
from fnmatch import fnmatchcase

from artstore_kit.contracts.errors import GrantMissing, InvalidFields, InvalidScope, ScopeMissing
from artstore_kit.contracts.identity import Action, Grant

GRANTS_LIMIT_BYTES = 4096
"""Grants ride in every token, and a token must pass every proxy's limit on header fields (8 KiB is common)."""

_ANYTHING = "\0"
"""Stands for what a `*` matches: no collection holds it, so that only another `*` can match it."""


def narrowed(held: Iterable[str], asked: str) -> list[str]:
    """The scopes of a token for whom `held` are allowed and who `asked` for some (all, when it names none)."""
    allowed, wanted = set(held), set(asked.split())
    if not wanted <= allowed:
        raise InvalidScope(f"The account holds no scopes but these: {' '.join(sorted(allowed)) or 'none'}.")
    return sorted(wanted or allowed)


def require_may_give(
    held_scopes: Set[str], held_grants: Sequence[Grant], scopes: Iterable[str], grants: Iterable[Grant]
) -> None:
    """Nobody gives what they do not hold; raise `ScopeMissing` or `GrantMissing`."""
    if missing := sorted(set(scopes) - held_scopes):
        raise ScopeMissing(f"You cannot give a scope that you do not hold: {', '.join(missing)}.")
    for grant in grants:
        for action in sorted(grant.actions):
            if not any(_contains(held, grant.collection, action) for held in held_grants):
                raise GrantMissing(f"You cannot give {action.value} on '{grant.collection}': you do not hold it.")


def require_fits_token(grants: Sequence[Grant]) -> None:
    """Raise `InvalidFields` when the grants would make tokens too long to send."""
    size = len(json.dumps(as_claim(grants), separators=(",", ":")))
    if size > GRANTS_LIMIT_BYTES:
        raise InvalidFields(f"The grants are {size} bytes as JSON; at most {GRANTS_LIMIT_BYTES} fit into a token.")


def as_claim(grants: Sequence[Grant]) -> list[dict[str, object]]:
    """Grants as a token's `grants` claim and as the database keep them."""
    return [{"collection": grant.collection, "actions": sorted(grant.actions)} for grant in grants]


def _contains(held: Grant, pattern: str, action: Action) -> bool:
    """Whether `held` allows `action` on every collection that `pattern` matches."""
    return action in held.actions and fnmatchcase(pattern.replace("*", _ANYTHING), held.collection)
