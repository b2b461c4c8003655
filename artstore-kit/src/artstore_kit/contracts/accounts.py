"""How service accounts are changed, found, and given new secrets."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from artstore_kit.contracts.client_keys import KeySet
from artstore_kit.contracts.files import PlainText
from artstore_kit.contracts.identity import (
    CLIENT_ID_PATTERN,
    AccountState,
    Grant,
    RoleName,
    RoleNames,
    Scope,
    TokenRequestsPerMinute,
)

OVERLAP_S = 24 * 3600
OVERLAP_LIMIT_S = 30 * OVERLAP_S


class AccountChanges(BaseModel):
    """What is to be changed of an account; what is left out stays, and so does what is null, but for the last two."""

    model_config = ConfigDict(extra="forbid")

    description: Annotated[PlainText, Field(max_length=500)] | None = None
    roles: RoleNames | None = None
    scopes: frozenset[Scope] | None = None
    grants: Annotated[list[Grant], Field(max_length=100)] | None = None
    jwks: KeySet | None = Field(None, description="public keys for private_key_jwt; null takes them away")
    token_requests_per_minute: TokenRequestsPerMinute | None = Field(
        None, description="the account's own limit; null: the fleet's"
    )


CAN_BE_TAKEN_AWAY = frozenset({"jwks", "token_requests_per_minute"})


class AccountFilter(BaseModel):
    """Which accounts are wanted: those that meet all that is said."""

    prefix: str = Field("", pattern=r"^[a-z0-9._-]{0,63}$", description="how the name begins")
    state: AccountState | None = None
    role: RoleName | None = Field(None, description="those who hold it")
    system: bool | None = Field(None, description="the fleet's own, or all others")
    secret_expires_before: AwareDatetime | None = Field(None, description="those whose last secret ends by then")


class SecretRotation(BaseModel):
    """How a secret is to be replaced."""

    model_config = ConfigDict(extra="forbid")

    overlap_s: int = Field(
        OVERLAP_S, ge=0, le=OVERLAP_LIMIT_S, description="so long the old secret goes on; 0: it ends at once"
    )


class RotatedSecret(BaseModel):
    """The answer to a rotation: the only time that the new secret is shown."""

    client_id: Annotated[str, Field(pattern=CLIENT_ID_PATTERN)]
    client_secret: str
    secret_expires_at: AwareDatetime
    old_secret_expires_at: AwareDatetime | None = Field(description="null: no older secret is good any more")
