"""Who gets a token, and what it says of them (RFC 9068, DESIGN section 8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from admin_module.domain.rights import Rights
from admin_module.domain.scopes import as_claim
from artstore_kit.contracts.identity import LOGIN_CLIENT, Grant

TOKEN_LIFETIME_S = 15 * 60


@dataclass(frozen=True)
class Subject:
    """A person or a program that has proved who it is."""

    name: str
    client_id: str
    scopes: Sequence[str]
    grants: Sequence[Grant] = field(default=())
    roles: Sequence[str] = field(default=())
    session_id: str = ""

    def claims(self, issuer: str, audience: str, now: datetime, token_id: str) -> dict[str, Any]:
        """The claims of an access token that starts `now`. Validators of others refuse an empty `roles`."""
        issued_at = int(now.timestamp())
        optional = {"roles": list(self.roles), "sid": self.session_id}
        return {
            "iss": issuer,
            "aud": audience,
            "sub": self.name,
            "client_id": self.client_id,
            "iat": issued_at,
            "exp": issued_at + TOKEN_LIFETIME_S,
            "jti": token_id,
            "scope": " ".join(self.scopes),
            "grants": as_claim(self.grants),
            **{name: value for name, value in optional.items() if value},
        }


def administrator(username: str, roles: Sequence[str], rights: Rights, session_id: str = "") -> Subject:
    """A person; their rights are those of their roles."""
    return Subject(username, LOGIN_CLIENT, sorted(rights.scopes), rights.grants, roles, session_id)


def program(client_id: str, roles: Sequence[str], rights: Rights, scopes: Sequence[str]) -> Subject:
    """A service account that asked for `scopes` of its rights."""
    return Subject(client_id, client_id, scopes, rights.grants, roles)
