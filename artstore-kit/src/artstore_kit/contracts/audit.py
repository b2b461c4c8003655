"""Entries of the audit log: who did what for whom, to which resource, and what came of it (DESIGN section 10)."""

import hashlib
import json
from collections.abc import Mapping, Sized
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from artstore_kit.contracts.files import Moment, PlainText, deeper_than
from artstore_kit.contracts.ids import LATEST_MS, moment_of, new_uuid7, uuid7_text

ENTRIES_AT_ONCE = 1000
"""So many entries at most are delivered in one request."""

ADMIN_SERVICE = "admin-module"
"""The service that keeps the log. Nobody delivers entries in its name."""

ACTING_FOR_LIMIT = 255
"""So many characters the name has at most of whom a service acts for."""
DETAIL_LIMIT_BYTES = 4096
DEEPEST_DETAIL = 8
ACTION_PATTERN = r"^[a-z_]+(\.[a-z_]+)+$"


def _small(detail: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """What is hashed and kept for years is small, and reads alike everywhere."""
    if _size_bytes(detail) > DETAIL_LIMIT_BYTES:
        raise ValueError(f"detail is at most {DETAIL_LIMIT_BYTES} bytes as JSON")
    if deeper_than(DEEPEST_DETAIL, detail):
        raise ValueError(f"detail is at most {DEEPEST_DETAIL} levels deep")
    return detail


def in_short(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The detail as an entry can hold it: while it is too long, its longest member is told by its length and a hash.

    The hash is SHA-256 of the member as UTF-8 JSON without blanks, keys in order.
    """
    fitting = dict(detail)
    by_size = sorted(
        (name for name in detail if isinstance(detail[name], Sized)), key=lambda name: _size_bytes(detail[name])
    )
    while by_size and _size_bytes(fitting) > DETAIL_LIMIT_BYTES:
        name = by_size.pop()
        whole = json.dumps(fitting[name], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        fitting[name] = {"length": len(fitting[name]), "sha256": hashlib.sha256(whole).hexdigest()}
    return fitting


def _size_bytes(detail: object) -> int:
    return len(json.dumps(detail, ensure_ascii=False, allow_nan=False).encode())


class AuditOutcome(StrEnum):
    """What came of it: it was done, it was not allowed, or it was allowed and failed."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class AuditEntry(BaseModel):
    """One deed or one attempt. `entry_id` is a UUIDv7 whose moment is that of the deed: by it an entry counts once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry_id: UUID
    service: Annotated[PlainText, Field(min_length=1, max_length=64, description="which service tells it")]
    node: Annotated[PlainText, Field(max_length=64, description="which of its instances, such as an element's id")] = ""
    actor: Annotated[PlainText, Field(max_length=64, description="whose token it was; empty when there was none")] = ""
    client_id: Annotated[PlainText, Field(max_length=64)] = ""
    acting_for: Annotated[
        PlainText, Field(max_length=ACTING_FOR_LIMIT, description="the subject that a service acted for")
    ] = ""
    action: str = Field(pattern=ACTION_PATTERN, max_length=64, description="such as file.create")
    resource: Annotated[PlainText, Field(max_length=256, description="such as file:<id>, account:<name>")] = ""
    outcome: AuditOutcome = AuditOutcome.DONE
    code: Annotated[PlainText, Field(max_length=64, description="the error code, unless it was done")] = ""
    request_id: Annotated[PlainText, Field(max_length=128)] = ""
    address: Annotated[PlainText, Field(max_length=64, description="of whoever sent the request")] = ""
    detail: Annotated[
        dict[Annotated[PlainText, Field(max_length=64)], JsonValue],
        AfterValidator(_small),
        Field(max_length=32, description="what else there is to know; at most 4,096 bytes as JSON"),
    ] = Field(default_factory=dict)

    @property
    def at(self) -> Moment:
        """When it was, to the millisecond, by the clock of the service that tells it."""
        return moment_of(self.entry_id)


class AuditBatch(BaseModel):
    """Entries as a service delivers them; those that the log has already are passed over."""

    entries: list[AuditEntry] = Field(min_length=1, max_length=ENTRIES_AT_ONCE)


class AuditReceipt(BaseModel):
    """What became of a batch: it is in the log, on stable storage."""

    appended: int
    known_before: int


class AuditRecord(BaseModel):
    """An entry with its place in the log. As JSON without blanks, keys in order, it is the leaf that was hashed.

    `delivered_by` is whose token delivered it; the leaf is without it when the admin module told the entry itself.
    """

    delivered_by: str = ""
    entry: AuditEntry
    index: int
    recorded_at: AwareDatetime


class InclusionProof(BaseModel):
    """That the leaf at `index` is in the log with `size` entries (RFC 9162 section 2.1.3.1); hashes are base64."""

    index: int
    size: int
    leaf_hash: str
    hashes: list[str]


class ConsistencyProof(BaseModel):
    """That the log with `second` entries begins with that of `first` (RFC 9162 section 2.1.4.1); hashes are base64."""

    first: int
    second: int
    hashes: list[str]


def printable(text: str) -> str:
    """As an entry can hold it: odd characters are replaced, so that whoever sends them does not keep the deed out."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)


def new_entry_id(now_ms: int | None = None) -> UUID:
    """An entry id of this moment, or of `now_ms` milliseconds since 1970."""
    return new_uuid7(now_ms)


def entry_id_of(moment_ms: int, *source: object) -> UUID:
    """The id of the entry that tells of `source` (an element, its epoch, an LSN): the same each time it is told."""
    return UUID(entry_id_text(moment_ms, *source))


def entry_id_text(moment_ms: int, *source: object) -> str:
    """As `entry_id_of`, spelt out: this is done for each change of a file."""
    digest = int.from_bytes(hashlib.sha256("\0".join(map(str, source)).encode()).digest()[:10])
    first, second = digest >> 68, digest >> 4 & 2**62 - 1
    return uuid7_text(min(moment_ms, LATEST_MS), first << 62 | second)
