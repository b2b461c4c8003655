"""Lists: pages of items with an opaque cursor to the next one."""

import base64
import binascii
import json

from pydantic import BaseModel

from artstore_kit.contracts.errors import BadCursor

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
CURSOR_LIMIT = 2000


class Page[Item](BaseModel):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None = None


def encode_cursor(*position: str | int | float | None) -> str:
    """The place in a list, as text that callers pass back untouched."""
    return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> list[str | int | float | None]:
    """What `encode_cursor` was given; `BadCursor` for anything else."""
    if len(cursor) > CURSOR_LIMIT:
        raise BadCursor
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise BadCursor from None
    if not isinstance(position, list) or len(position) != length:
        raise BadCursor
    return position
