"""Cursors of lists that are ordered by name, or by id."""

import re
from collections.abc import Sequence
from uuid import UUID

from artstore_kit.contracts.errors import BadCursor
from artstore_kit.contracts.identity import CLIENT_ID_PATTERN
from artstore_kit.contracts.paging import decode_cursor, encode_cursor

_NAME = re.compile(CLIENT_ID_PATTERN)


def name_in(cursor: str) -> str:
    """The name after which the list goes on; an empty one, before all others, for its beginning."""
    if not cursor:
        return ""
    (name,) = decode_cursor(cursor, 1)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadCursor
    return name


def id_in(cursor: str) -> UUID | None:
    """The id before which a list, newest first, goes on; None for its beginning."""
    if not cursor:
        return None
    (text,) = decode_cursor(cursor, 1)
    try:
        return UUID(str(text))
    except ValueError:
        raise BadCursor from None


def cursor_after(names: Sequence[str], limit: int) -> str | None:
    """None when the list ends within this page. A full last page is followed by an empty one."""
    return encode_cursor(names[-1]) if len(names) == limit else None
