"""Roles: named sets of rights that administrators and service accounts hold (DESIGN section 8)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from artstore_kit.contracts.files import PlainText
from artstore_kit.contracts.identity import Grant, RoleName, Scope

type _Description = Annotated[PlainText, Field(max_length=500)]


class NewRole(BaseModel):
    """A role to be made."""

    model_config = ConfigDict(extra="forbid")

    name: RoleName
    description: _Description = ""
    scopes: frozenset[Scope] = frozenset()
    grants: list[Grant] = Field([], max_length=100)


class RoleChanges(BaseModel):
    """What is to be changed of a role; what is left out or null stays."""

    model_config = ConfigDict(extra="forbid")

    description: _Description | None = None
    scopes: frozenset[Scope] | None = None
    grants: Annotated[list[Grant], Field(max_length=100)] | None = None


class Role(BaseModel):
    """A named set of scopes and grants."""

    name: str
    description: str
    scopes: list[Scope]
    grants: list[Grant]
    builtin: bool = Field(description="every fleet has it, and nobody can change it")
    revision: int = Field(description="grows with each change; 0 for the built-in ones")
