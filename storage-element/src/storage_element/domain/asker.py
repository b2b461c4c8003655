"""Who asks for a change, and what they may do to a file as it is at the moment of the change."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

from artstore_kit.contracts.identity import Action
from artstore_kit.principal import Principal
from storage_element.domain.origin import Origin

type Allowed = Callable[[str], None]
"""Raises the refusal unless it may be done to a file of this collection."""


@dataclass(frozen=True)
class Asker:
    """A file may be moved while its new content comes: the grant is asked for again where nobody else is at it."""

    origin: Origin
    allowed: Allowed

    @classmethod
    def of(cls, who: Principal, action: Action) -> Self:
        """The request that is being answered, by a token whose grants must allow `action`; `GrantMissing`."""
        return cls(Origin.of(who), partial(who.require_grant, action))

    @property
    def on_whose_behalf(self) -> str:
        """The person or client whose wish this is."""
        return self.origin.acting_for or self.origin.actor
