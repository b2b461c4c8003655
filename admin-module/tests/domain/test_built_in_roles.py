"""The built-in roles, and how one is changed."""

import pytest

from admin_module.domain.roles import BUILT_IN, SUPER_ADMIN, changed, made, rights_of
from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.contracts.roles import NewRole, RoleChanges

READ_ALL = Grant(collection="*", actions=frozenset({Action.READ}))
ALL = Grant(collection="*", actions=frozenset(Action))
KEYS_AND_ROLES = {Scope.KEYS_WRITE, Scope.KEYS_EXPORT, Scope.ROLES_WRITE}
READING = {scope for scope in Scope if scope.value.endswith(":read")}


@pytest.mark.parametrize(
    ("name", "scopes", "grants"),
    [
        ("super_admin", set(Scope), [ALL]),
        ("admin", set(Scope) - KEYS_AND_ROLES, [ALL]),
        (
            "operator",
            READING - {Scope.AUDIT_READ} | {Scope.ELEMENTS_WRITE, Scope.ELEMENTS_DELETE, Scope.APPROVALS_WRITE},
            [READ_ALL],
        ),
        ("auditor", READING - {Scope.FILES_READ}, []),
        ("readonly", READING - {Scope.AUDIT_READ}, [READ_ALL]),
    ],
)
def test_what_the_built_in_roles_give(name: str, scopes: set[Scope], grants: list[Grant]) -> None:
    role = BUILT_IN[name]
    assert (set(role.scopes), role.grants, role.builtin) == (scopes, grants, True)


def test_there_are_five() -> None:
    assert set(BUILT_IN) == {"super_admin", "admin", "operator", "auditor", "readonly"}


def test_nobody_holds_more_than_a_super_admin() -> None:
    everything = rights_of(BUILT_IN[SUPER_ADMIN])
    assert not any(everything.missing(rights_of(role)) for role in BUILT_IN.values())


def test_a_change_touches_what_it_names_and_the_revision() -> None:
    role = made(NewRole(name="clerk", description="old", scopes=frozenset({Scope.FILES_READ}), grants=[ALL]))
    for changes, expected in (
        (RoleChanges(), {}),
        (RoleChanges(description=""), {"description": ""}),
        (RoleChanges(scopes=frozenset()), {"scopes": []}),
        (RoleChanges(grants=[READ_ALL]), {"grants": [READ_ALL]}),
    ):
        assert changed(role, changes) == role.model_copy(update={**expected, "revision": 2})
