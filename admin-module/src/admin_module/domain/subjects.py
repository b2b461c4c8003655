"""Who gets a token, and what it says of them (RFC 9068, DESIGN section 8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from admin_module.domain.scopes import as_claim
from artstore_kit.contracts.identity import Action, Grant, Scope

TOKEN_LIFETIME_S = 15 * 60
ADMINISTRATOR = "administrator"
LOGIN_CLIENT = "artstore-login"
"""The `client_id` of people's tokens: RFC 9068 wants one, and people come without a client of their own."""


@dataclass(frozen=True)
class Subject:
    """A person or a program that has proved who it is."""

    name: str
    client_id: str
    scopes: Sequence[str]
    grants: Sequence[Grant] = field(default=())
    roles: Sequence[str] = field(default=())

    def claims(self, issuer: str, audience: str, now: datetime, token_id: str) -> dict[str, Any]:
        """The claims of an access token that starts `now`."""
        issued_at = int(now.timestamp())
        return {
            "iss": issuer,
            "aud": audience,
            "sub": self.name,
            "client_id": self.client_id,
            "iat": issued_at,
            "exp": issued_at + TOKEN_LIFETIME_S,
            "jti": token_id,
            "scope": " ".join(self.scopes),
            "roles": list(self.roles),
            "grants": as_claim(self.grants),
        }


def administrator(username: str) -> Subject:
    """Administrators have every scope, and every action on every collection."""
    return Subject(
        name=username,
        client_id=LOGIN_CLIENT,
        scopes=sorted(Scope),
        grants=(Grant(collection="*", actions=frozenset(Action)),),
        roles=(ADMINISTRATOR,),
    )
