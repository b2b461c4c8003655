"""What a route demands of whoever asks: said once, checked at each request, shown in the OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artstore_kit.contracts.identity import TOKEN_PATH, Action, Scope
from artstore_kit.principal import Principal

SCHEME = "oauth2"
GRANT_FIELD = "x-artstore-grant"

PUBLIC: dict[str, Any] = {"security": []}
"""Declares that an operation takes no access token: `openapi_extra=PUBLIC`."""

MEANINGS: Mapping[Scope, str] = {
    Scope.FILES_READ: "read files and search them",
    Scope.FILES_WRITE: "store and change files",
    Scope.FILES_DELETE: "remove files",
    Scope.FILES_HOLD: "place and release legal holds",
    Scope.ELEMENTS_READ: "see storage elements",
    Scope.ELEMENTS_WRITE: "register and steer storage elements",
    Scope.ELEMENTS_DELETE: "take storage elements out of the fleet",
    Scope.ACCOUNTS_READ: "see service accounts",
    Scope.ACCOUNTS_WRITE: "make and change service accounts",
    Scope.ADMINISTRATORS_READ: "see administrators",
    Scope.ADMINISTRATORS_WRITE: "make and change administrators",
    Scope.ROLES_READ: "see roles",
    Scope.ROLES_WRITE: "make and change roles",
    Scope.KEYS_READ: "see what is known of signing keys",
    Scope.KEYS_WRITE: "rotate and revoke signing keys",
    Scope.KEYS_EXPORT: "export signing keys",
    Scope.TOKENS_INTROSPECT: "ask whether a token of another is valid",
    Scope.TOKENS_REVOKE: "revoke tokens of others",
    Scope.APPROVALS_READ: "see approvals",
    Scope.APPROVALS_WRITE: "ask for an approval",
    Scope.APPROVALS_DECIDE: "approve and reject what others ask for",
    Scope.APPROVALS_USE: "use approvals, as the services do that carry out what was approved",
    Scope.AUDIT_READ: "read the audit log",
    Scope.AUDIT_WRITE: "deliver entries of the audit log",
    Scope.FLEET_ACT_FOR: "name whom one acts for",
}


@dataclass(frozen=True)
class Rights:
    """The scopes that the token must carry, all of them, and the action that its grants must allow.

    On which collection only the handler knows: it asks `Principal.require_grant`, and `grant` tells that it does.
    """

    scopes: tuple[Scope, ...] = ()
    grant: Action | None = None

    def check(self, principal: Principal) -> Principal:
        """Who may go on; `ScopeMissing` otherwise."""
        for scope in self.scopes:
            principal.require(scope)
        return principal

    def declared(self) -> dict[str, Any]:
        """What an OpenAPI operation says of it."""
        grant = {GRANT_FIELD: self.grant.value} if self.grant else {}
        return {"security": [{SCHEME: [scope.value for scope in self.scopes]}], **grant}


def security_scheme() -> dict[str, Any]:
    """How tokens are had, as OpenAPI says it. The address is the admin module's."""
    scopes = {scope.value: meaning for scope, meaning in MEANINGS.items()}
    flow = {"tokenUrl": TOKEN_PATH, "scopes": scopes}
    return {
        "type": "oauth2",
        "description": "An access token of the admin module, which `/.well-known/artstore` gives the address of.",
        "flows": {"clientCredentials": flow},
    }
