"""What is told of a token to a client that may ask (RFC 7662 section 2.2)."""

from typing import Any

from pydantic import BaseModel, Field

from admin_module.domain.scopes import as_claim
from admin_module.domain.sessions import Lifetimes, Session
from artstore_kit.contracts.identity import LOGIN_CLIENT
from artstore_kit.principal import Principal
from artstore_kit.settings import TokenSettings


class TokenState(BaseModel):
    """The RFC's members, and ours: `roles` and `grants`. Of a bad token only `active` is told."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    username: str | None = Field(None, description="of a person's token")
    token_type: str | None = None
    exp: int | None = Field(None, description="seconds since 1970")
    iat: int | None = Field(None, description="seconds since 1970")
    sub: str | None = None
    aud: str | None = None
    iss: str | None = None
    jti: str | None = None
    roles: list[str] | None = None
    grants: list[dict[str, Any]] | None = None


def state_of_session(session: Session, lifetimes: Lifetimes, settings: TokenSettings) -> TokenState:
    """What the refresh token of a session says: nothing of rights, which are those of the person when it is used."""
    return TokenState(
        active=True,
        client_id=LOGIN_CLIENT,
        username=session.username,
        exp=int(session.ends_at(lifetimes).timestamp()),
        iat=int(session.last_used_at.timestamp()),
        sub=session.username,
        iss=settings.issuer,
    )


INACTIVE = TokenState(active=False)


def state_of(principal: Principal, settings: TokenSettings) -> TokenState:
    """What a good token says."""
    return TokenState(
        active=True,
        scope=" ".join(sorted(principal.scopes)),
        client_id=principal.client_id,
        username=principal.subject if principal.is_person else None,
        token_type="Bearer",  # noqa: S106 (the name of a scheme)
        exp=int(principal.expires_at),
        iat=int(principal.issued_at),
        sub=principal.subject,
        aud=settings.audience,
        iss=settings.issuer,
        jti=principal.token_id,
        roles=sorted(principal.roles),
        grants=as_claim(principal.grants),
    )
