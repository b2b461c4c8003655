"""Who wanted a change, as its journal record keeps it (docs/formats/journal.md) for the entry of the audit log."""

import struct
from functools import lru_cache
from typing import NamedTuple, Self

from pydantic_core import to_json

from artstore_kit import request_context
from artstore_kit.contracts.audit import printable
from artstore_kit.contracts.ids import now_moment_ms
from artstore_kit.principal import Principal

MOMENT = struct.Struct("<Q")
"""Milliseconds since 1970; the rest of an origin is the beginning of an audit entry, as a JSON object."""

SERVICE = "storage-element"
"""Who acts when nobody asked."""

LONGEST = 64
LONGEST_PERSON = 255
LONGEST_REQUEST_ID = 128
WHO_REMEMBERED = 4096


class Origin(NamedTuple):
    """Whose token it was, for whom, in which request, from where, and when."""

    actor: str
    client_id: str = ""
    acting_for: str = ""
    request_id: str = ""
    address: str = ""
    moment_ms: int = 0

    @classmethod
    def of(cls, who: Principal, *, acting_for: str = "", request_id: str = "", address: str = "") -> Self:
        """The request that is being answered; a batch says of each file for whom, by which request and from where."""
        return cls(
            who.subject,
            who.client_id,
            acting_for or who.acting_for,
            request_id or request_context.request_id.get(),
            address or request_context.address(),
            now_moment_ms(),
        )

    @classmethod
    def of_service(cls, actor: str = SERVICE, client_id: str = "") -> Self:
        """No request: `actor` does it by itself, now."""
        return cls(actor, client_id, moment_ms=now_moment_ms())

    def to_bytes(self, action: str) -> bytes:
        """What a record keeps; `action` comes first, what is empty is left out."""
        who = _who(self.actor, self.client_id, self.acting_for, self.address)
        request = _field("request_id", self.request_id, LONGEST_REQUEST_ID)
        return MOMENT.pack(self.moment_ms) + f'{{"action":"{action}"{who}{request}}}'.encode()


@lru_cache(WHO_REMEMBERED)
def _who(actor: str, client_id: str, acting_for: str, address: str) -> str:
    """The same ones come again and again."""
    return (
        _field("actor", actor)
        + _field("client_id", client_id)
        + _field("acting_for", acting_for, LONGEST_PERSON)
        + _field("address", address)
    )


def _field(name: str, text: str, most: int = LONGEST) -> str:
    """As the audit log takes it."""
    return f',"{name}":{to_json(printable(text[:most])).decode()}' if text else ""
