"""The built-in roles: named sets of rights that every fleet has, and that nobody can change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from admin_module.domain.rights import NOTHING, Rights
from admin_module.domain.scopes import as_claim
from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.contracts.roles import NewRole, Role, RoleChanges

SUPER_ADMIN = "super_admin"

_READING = frozenset(scope for scope in Scope if scope.value.endswith(":read"))
_EVERYTHING = Grant(collection="*", actions=frozenset(Action))
_ALL_FILES = Grant(collection="*", actions=frozenset({Action.READ}))


def _built_in(name: str, description: str, scopes: Iterable[Scope], *grants: Grant) -> Role:
    return Role(
        name=name, description=description, scopes=sorted(scopes), grants=list(grants), builtin=True, revision=0
    )


BUILT_IN: Mapping[str, Role] = {
    role.name: role
    for role in (
        _built_in(SUPER_ADMIN, "Everything.", Scope, _EVERYTHING),
        _built_in(
            "admin",
            "Everything but roles, and but making, revoking and exporting keys.",
            set(Scope) - {Scope.KEYS_EXPORT, Scope.KEYS_WRITE, Scope.ROLES_WRITE},
            _EVERYTHING,
        ),
        _built_in(
            "operator",
            "Runs the fleet: storage elements, and reading all but the audit log.",
            _READING - {Scope.AUDIT_READ} | {Scope.ELEMENTS_WRITE, Scope.ELEMENTS_DELETE, Scope.APPROVALS_WRITE},
            _ALL_FILES,
        ),
        _built_in("auditor", "Reads the audit log, and all but the files.", _READING - {Scope.FILES_READ}),
        _built_in("readonly", "Reads all but the audit log.", _READING - {Scope.AUDIT_READ}, _ALL_FILES),
    )
}
"""They are not in the database, so that a newer version brings its own and no statement can alter them."""


def rights_of(role: Role) -> Rights:
    """What holding the role gives."""
    return Rights(frozenset(scope.value for scope in role.scopes), tuple(role.grants))


@dataclass(frozen=True)
class Holding:
    """What somebody was given: roles, and rights of their own."""

    roles: tuple[str, ...]
    own: Rights = NOTHING


def made(new: NewRole) -> Role:
    """The role that `new` asks for."""
    return Role(
        name=new.name,
        description=new.description,
        scopes=sorted(new.scopes),
        grants=new.grants,
        builtin=False,
        revision=1,
    )


def changed(role: Role, changes: RoleChanges) -> Role:
    """The next revision of the role."""
    told = changes.model_dump(exclude_none=True, include={"description"})
    if changes.scopes is not None:
        told["scopes"] = sorted(changes.scopes)
    if changes.grants is not None:
        told["grants"] = changes.grants
    return role.model_copy(update={**told, "revision": role.revision + 1})


def told(role: Role) -> Mapping[str, Any]:
    """What the audit log keeps of a role."""
    return {"scopes": [*role.scopes], "grants": as_claim(role.grants), "revision": role.revision}
