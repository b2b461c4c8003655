"""Where a file lies on the element: its directory follows from the time inside its UUIDv7."""

from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from artstore_kit.contracts.errors import InvalidFields
from artstore_kit.contracts.ids import parse_file_id

FILES = "files"
JOURNAL = "journal"
STAGING = "staging"
QUARANTINE = "quarantine"
SUPERBLOCK = "element.json"
LOCK = "element.lock"
NODES_LOCK = "nodes.lock"
MARK = "master.json"
ATTRIBUTES_SUFFIX = ".attr.json"
REASON_SUFFIX = ".reason.json"
NOTES = "notes"
SESSION_SUFFIX = ".upload.json"


def directory_of(file_id: UUID) -> str:
    """`files/YYYY/MM/DD/HH/MM`, in UTC."""
    return _directory_of_minute((file_id.int >> 80) // 60_000)


@lru_cache(maxsize=1024)
def _directory_of_minute(minutes: int) -> str:
    """Files come in the order of time, so that most share the last few directories."""
    return f"{FILES}/{datetime.fromtimestamp(minutes * 60, UTC):%Y/%m/%d/%H/%M}"


def minute_of(path: str) -> int | None:
    """Which minute a directory of files is for; None for one that no element makes."""
    try:
        at = datetime.strptime(path, f"{FILES}/%Y/%m/%d/%H/%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    minute = int(at.timestamp()) // 60
    return minute if _directory_of_minute(minute) == path else None


def first_id_of(minute: int) -> UUID:
    """No file of this minute or a later one has a smaller id."""
    return UUID(int=(minute * 60_000) << 80)


def attributes_path(file_id: UUID) -> str:
    """Path of the attributes, relative to the element's root."""
    return f"{directory_of(file_id)}/{file_id}{ATTRIBUTES_SUFFIX}"


def content_path(file_id: UUID, version: int) -> str:
    """Path of a version of the content, relative to the element's root."""
    return f"{directory_of(file_id)}/{file_id}.v{version}"


def session_name(upload_id: UUID) -> str:
    """Where in staging lies what is known of an upload that is sent in parts; its content is beside, under its id."""
    return f"{upload_id}{SESSION_SUFFIX}"


def note_path(name: str) -> str:
    """Path of what the element's own care remembers, relative to the element's root."""
    return f"{NOTES}/{name}.json"


def id_of(name: str, suffix: str) -> UUID | None:
    """The file that a name on the disk speaks of, if it is the name of one and ends with `suffix`."""
    if not name.endswith(suffix):
        return None
    try:
        return parse_file_id(name.removesuffix(suffix))
    except InvalidFields:
        return None
