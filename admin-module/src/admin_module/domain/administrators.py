"""An administrator as the database knows them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic import JsonValue

from admin_module.domain.roles import SUPER_ADMIN
from artstore_kit.contracts.errors import LastSuperAdmin


@dataclass(frozen=True)
class Wanted:
    """Which administrators a list is of."""

    role: str | None = None
    suspended: bool | None = None
    text: str = ""


@dataclass(frozen=True)
class Administrator:
    """A person who may log in."""

    username: str
    password_hash: str
    roles: tuple[str, ...]
    display_name: str = ""
    email: str = ""
    suspended: bool = False
    must_change_password: bool = False
    revision: int = 1

    def with_changes(self, **changes: Any) -> Self:
        """The next revision."""
        return replace(self, **changes, revision=self.revision + 1)

    @property
    def names(self) -> tuple[str, ...]:
        """What others know of them, and would try first in a password."""
        return self.username, self.email.partition("@")[0], *self.display_name.split()

    @property
    def is_mighty(self) -> bool:
        """Whether they may do everything, and can."""
        return SUPER_ADMIN in self.roles and not self.suspended

    def told(self) -> dict[str, JsonValue]:
        """What an audit entry says of them."""
        roles: list[JsonValue] = [*sorted(self.roles)]
        person = {"display_name": self.display_name, "email": self.email}
        return {"roles": roles, "revision": self.revision, **person}


def require_one_remains(mighty: Collection[str], before: Administrator, after: Administrator | None) -> None:
    """Raise `LastSuperAdmin` when nobody would be left who may do everything; `mighty` are those who may."""
    if before.is_mighty and not (after and after.is_mighty) and set(mighty) <= {before.username}:
        raise LastSuperAdmin
