"""Who is asking and what they may: scopes, grants, accounts and the answers about tokens (DESIGN section 8)."""

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from artstore_kit.contracts.audit import ADMIN_SERVICE
from artstore_kit.contracts.client_keys import KeySet
from artstore_kit.contracts.files import PlainText

ACTING_FOR_HEADER = "X-ArtStore-Acting-For"
ACTING_FROM_HEADER = "X-ArtStore-Acting-From"
"""The address of whom a service acts for; believed as, and with, the header before."""
TOKEN_PATH = "/api/v1/auth/token"  # noqa: S105 (an address)
LOGIN_CLIENT = "artstore-login"
"""The `client_id` of people's tokens: RFC 9068 wants one, and people come without a client of their own."""

CLIENT_ID_PATTERN = r"^[a-z0-9][a-z0-9._-]{1,62}$"
ROLE_NAME_PATTERN = r"^[a-z][a-z0-9_-]{1,62}$"

type RoleName = Annotated[str, Field(pattern=ROLE_NAME_PATTERN)]
ROLES_LIMIT = 16
"""They ride in every token, by name."""
RoleNames = Annotated[frozenset[RoleName], Field(max_length=ROLES_LIMIT)]
TokenRequestsPerMinute = Annotated[int, Field(ge=1, le=1_000_000)]


class Scope(StrEnum):
    """What a token can be good for. A right to files is a scope and a grant on the collection."""

    FILES_READ = "files:read"
    FILES_WRITE = "files:write"
    FILES_DELETE = "files:delete"
    FILES_HOLD = "files:hold"
    ELEMENTS_READ = "elements:read"
    ELEMENTS_WRITE = "elements:write"
    ELEMENTS_DELETE = "elements:delete"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    ADMINISTRATORS_READ = "administrators:read"
    ADMINISTRATORS_WRITE = "administrators:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    KEYS_EXPORT = "keys:export"
    TOKENS_INTROSPECT = "tokens:introspect"
    TOKENS_REVOKE = "tokens:revoke"
    APPROVALS_READ = "approvals:read"
    APPROVALS_WRITE = "approvals:write"
    APPROVALS_DECIDE = "approvals:decide"
    APPROVALS_USE = "approvals:use"
    AUDIT_READ = "audit:read"
    AUDIT_WRITE = "audit:write"
    FLEET_ACT_FOR = "fleet:act-for"


FOR_SERVICES = frozenset({Scope.APPROVALS_USE, Scope.AUDIT_WRITE, Scope.FLEET_ACT_FOR})
"""People may hold these scopes, so that they can give them, but not use them: a person speaks for nobody else."""


class Action(StrEnum):
    """What a grant allows on the files of a collection."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"


class Grant(BaseModel):
    """Actions on every collection that matches a pattern (`contracts`, `hr/*`, `*`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    collection: str = Field(pattern=r"^[\w./*-]{1,128}$")
    actions: frozenset[Action]

    def covers(self, action: Action, collection: str) -> bool:
        """Whether this grant allows `action` on the files of `collection`."""
        return action in self.actions and fnmatchcase(collection, self.collection)


class TokenAnswer(BaseModel):
    """A successful answer of the token endpoint (RFC 6749 section 5.1)."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 (the name of a scheme)
    expires_in: int = Field(description="seconds")
    scope: str


class FleetAddresses(BaseModel):
    """Where clients reach the fleet, served at `/.well-known/artstore`."""

    admin_url: str
    ingester_url: str
    query_url: str


def _not_ours(name: str) -> str:
    if name in {LOGIN_CLIENT, ADMIN_SERVICE}:
        raise ValueError("this name stands for ArtStore itself")
    return name


NewName = Annotated[str, Field(pattern=CLIENT_ID_PATTERN), AfterValidator(_not_ours)]
"""The name of a subject to be made: in tokens and in the audit log nobody is taken for ArtStore itself."""


class NewServiceAccount(BaseModel):
    """A service account to be made."""

    model_config = ConfigDict(extra="forbid")

    client_id: NewName
    description: Annotated[PlainText, Field(max_length=500)] = ""
    roles: RoleNames = frozenset()
    scopes: frozenset[Scope] = frozenset()
    grants: list[Grant] = Field([], max_length=100)
    jwks: KeySet | None = Field(None, description="public keys for private_key_jwt: a JWK Set, or a single JWK")
    token_requests_per_minute: TokenRequestsPerMinute | None = Field(
        None, description="the account's own limit; the fleet's when unset"
    )


class AccountState(StrEnum):
    """Whether an account gets tokens."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class ServiceAccount(BaseModel):
    """A service account as administrators see it."""

    client_id: str
    description: str
    roles: list[str]
    scopes: list[Scope] = Field(description="its own, beside those of its roles")
    grants: list[Grant] = Field(description="its own, beside those of its roles")
    jwks: KeySet | None = None
    token_requests_per_minute: TokenRequestsPerMinute | None = None
    system: bool = Field(description="made for the fleet itself, by its settings; cannot be changed here or deleted")
    state: AccountState = AccountState.ACTIVE
    revision: int = Field(1, description="grows with each change")
    created_at: AwareDatetime
    secret_expires_at: AwareDatetime | None


class CreatedServiceAccount(ServiceAccount):
    """The answer to making an account: the only time its secret is shown."""

    client_secret: str
