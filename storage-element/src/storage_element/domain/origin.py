"""Who wanted a change, as its journal record keeps it (docs/formats/journal.md) for the entry of the audit log."""

import struct
import time
from dataclasses import dataclass
from typing import Self

from pydantic_core import to_json

from artstore_kit import request_context
from artstore_kit.principal import Principal

MOMENT = struct.Struct("<Q")
"""Milliseconds since 1970; the rest of an origin is the beginning of an audit entry, as a JSON object."""

SERVICE = "storage-element"
"""Who acts when nobody asked."""

_LONGEST = {"actor": 64, "client_id": 64, "acting_for": 255, "request_id": 128, "address": 64}


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose token it was, for whom, in which request, from where, and when."""

    actor: str
    client_id: str = ""
    acting_for: str = ""
    request_id: str = ""
    address: str = ""
    moment_ms: int = 0

    @classmethod
    def of(cls, who: Principal, *, acting_for: str = "", request_id: str = "") -> Self:
        """The request that is being answered; a batch says of each of its files for whom, and by which request."""
        return cls(
            who.subject,
            who.client_id,
            acting_for or who.acting_for,
            request_id or request_context.request_id.get(),
            request_context.address(),
            time.time_ns() // 1_000_000,
        )

    @classmethod
    def of_service(cls, actor: str = SERVICE, client_id: str = "") -> Self:
        """No request: `actor` does it by itself, now."""
        return cls(actor, client_id, moment_ms=time.time_ns() // 1_000_000)

    def to_bytes(self, action: str) -> bytes:
        """What a record keeps; `action` comes first, what is empty is left out."""
        given = {name: _plain(getattr(self, name), most) for name, most in _LONGEST.items()}
        fields = {"action": action, **{name: text for name, text in given.items() if text}}
        return MOMENT.pack(self.moment_ms) + to_json(fields)


def _plain(text: str, most: int) -> str:
    """As the audit log takes it: whoever sends control characters does not keep the deed out of it."""
    if len(text) <= most and text.isprintable():
        return text
    return "".join(each if each.isprintable() else "?" for each in text[:most])
