"""UUIDv7 (RFC 9562 section 5.7): ids that tell their moment. The directory of a file follows from its id."""

import secrets
import time
from datetime import UTC, datetime
from uuid import UUID

from artstore_kit.contracts.errors import InvalidFields

UUID_VERSION = 7
LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: later moments cannot be written as a date, nor as a directory."""


CHOSEN_BITS = 74
"""So many bits tell a UUIDv7 from others of its moment."""

_LOW_BITS = 2**62 - 1


def uuid7_text(moment_ms: int, chosen: int) -> str:
    """A UUIDv7 as it is written: of a moment since 1970, told from others by `chosen`, of `CHOSEN_BITS` bits."""
    moment = (moment_ms & (2**48 - 1)) << 80
    value = moment | UUID_VERSION << 76 | (chosen >> 62) << 64 | 0b10 << 62 | chosen & _LOW_BITS
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_uuid7(now_ms: int | None = None) -> UUID:
    """One that nobody can guess, of this moment, or of `now_ms` milliseconds since 1970."""
    return UUID(uuid7_text(now_moment_ms() if now_ms is None else now_ms, secrets.randbits(CHOSEN_BITS)))


def now_moment_ms() -> int:
    """This moment, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def new_file_id(now_ms: int | None = None) -> UUID:
    """The id of a file that begins to be at this moment, or at `now_ms` milliseconds since 1970."""
    return new_uuid7(now_ms)


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
