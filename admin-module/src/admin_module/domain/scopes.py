"""Which scopes a token gets, and how its grants are written."""

import json
from collections.abc import Iterable, Sequence

from artstore_kit.contracts.errors import InvalidFields, InvalidScope
from artstore_kit.contracts.identity import Grant

GRANTS_LIMIT_BYTES = 4096
"""Grants ride in every token, and a token must pass every proxy's limit on header fields (8 KiB is common)."""


def narrowed(held: Iterable[str], asked: str) -> list[str]:
    """The scopes of a token for whom `held` are allowed and who `asked` for some (all, when it names none)."""
    allowed, wanted = set(held), set(asked.split())
    if not wanted <= allowed:
        raise InvalidScope(f"The account holds no scopes but these: {' '.join(sorted(allowed)) or 'none'}.")
    return sorted(wanted or allowed)


def require_fits_token(grants: Sequence[Grant]) -> None:
    """Raise `InvalidFields` when the grants would make tokens too long to send."""
    size = len(json.dumps(as_claim(grants), separators=(",", ":")))
    if size > GRANTS_LIMIT_BYTES:
        raise InvalidFields(f"The grants are {size} bytes as JSON; at most {GRANTS_LIMIT_BYTES} fit into a token.")


def as_claim(grants: Sequence[Grant]) -> list[dict[str, object]]:
    """Grants as a token's `grants` claim and as the database keep them."""
    return [{"collection": grant.collection, "actions": sorted(grant.actions)} for grant in grants]
