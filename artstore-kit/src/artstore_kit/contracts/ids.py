"""File ids: UUIDv7 (RFC 9562 section 5.7), so that the directory of a file follows from its id."""

import secrets
import time
from datetime import UTC, datetime
from uuid import UUID

from artstore_kit.contracts.errors import InvalidFields

UUID_VERSION = 7
LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: later moments cannot be written as a date, nor as a directory."""


def new_file_id(now_ms: int | None = None) -> UUID:
    """A UUIDv7 of this moment, or of `now_ms` milliseconds since 1970."""
    moment = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    value = (moment & (2**48 - 1)) << 80 | UUID_VERSION << 76 | secrets.randbits(12) << 64
    return UUID(int=value | 0b10 << 62 | secrets.randbits(62))


def parse_file_id(text: str) -> UUID:
    """The id that `text` spells in its canonical form; `InvalidFields` when it is not a UUIDv7."""
    try:
        file_id = UUID(text)
    except ValueError:
        raise InvalidFields(f"'{text[:64]}' is not a file id; a file id is a UUIDv7.") from None
    if file_id.version != UUID_VERSION or str(file_id) != text:
        raise InvalidFields("A file id is a UUIDv7 in lower case with hyphens.")
    if file_id.int >> 80 > LATEST_MS:
        raise InvalidFields("The moment inside the file id lies beyond the year 9999.")
    return file_id


def moment_of(file_id: UUID) -> datetime:
    """The UTC moment, to the millisecond, at which `file_id` was made."""
    return datetime.fromtimestamp((file_id.int >> 80) / 1000, UTC)
