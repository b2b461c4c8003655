"""Who is asking, and the rights that the token carries."""

from dataclasses import dataclass

from artstore_kit.contracts.errors import GrantMissing, ScopeMissing
from artstore_kit.contracts.identity import FOR_SERVICES, LOGIN_CLIENT, Action, Grant, Scope
from artstore_kit.noted import noted

_WHY = ", which a person may give but not use"
CHALLENGE = 'Bearer realm="artstore"'


@dataclass(frozen=True)
class Principal:
    """Who is asking: the token's subject, what it may, and for whom it acts."""

    subject: str
    client_id: str
    scopes: frozenset[str]
    grants: tuple[Grant, ...]
    roles: frozenset[str]
    expires_at: float
    acting_for: str = ""
    token_id: str = ""
    key_id: str = ""
    issued_at: float = 0.0
    session_id: str = ""

    @property
    def is_person(self) -> bool:
        """Whether somebody has logged in."""
        return self.client_id == LOGIN_CLIENT

    @property
    def on_whose_behalf(self) -> str:
        """The person or client whose wish this is."""
        return self.acting_for or self.subject

    def may_use(self, scope: Scope) -> bool:
        """Whether the token carries `scope`, and it is not one of services in the hands of a person."""
        return scope in self.scopes and not (self.is_person and scope in FOR_SERVICES)

    def require(self, scope: Scope) -> None:
        """Raise `ScopeMissing` unless the token carries `scope`, and whoever has it may use it."""
        if not self.may_use(scope):
            raise ScopeMissing(
                f"This operation needs the scope {scope.value}{_WHY if scope in self.scopes else ''}.",
                headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{scope.value}"'},
            )

    def require_grant(self, action: Action, collection: str) -> None:
        """Raise `GrantMissing` unless a grant allows `action` on `collection`."""
        noted().detail["collection"] = collection
        if not self.may(action, collection):
            raise GrantMissing(f"No grant allows {action.value} on the collection '{collection}'.")

    def may(self, action: Action, collection: str) -> bool:
        """Whether a grant allows `action` on `collection`."""
        return any(grant.covers(action, collection) for grant in self.grants)
