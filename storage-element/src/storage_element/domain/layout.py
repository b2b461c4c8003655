"""Where a file lies on the element: its directory follows from the time inside its UUIDv7."""

from uuid import UUID

from artstore_kit.contracts.ids import moment_of

FILES = "files"
JOURNAL = "journal"
STAGING = "staging"
QUARANTINE = "quarantine"
SUPERBLOCK = "element.json"
LOCK = "element.lock"
ATTRIBUTES_SUFFIX = ".attr.json"


def directory_of(file_id: UUID) -> str:
    """`files/YYYY/MM/DD/HH/MM`, in UTC."""
    return f"{FILES}/{moment_of(file_id):%Y/%m/%d/%H/%M}"


def attributes_path(file_id: UUID) -> str:
    """Path of the attributes, relative to the element's root."""
    return f"{directory_of(file_id)}/{file_id}{ATTRIBUTES_SUFFIX}"


def content_path(file_id: UUID, version: int) -> str:
    """Path of a version of the content, relative to the element's root."""
    return f"{directory_of(file_id)}/{file_id}.v{version}"


def staging_path(name: str) -> str:
    """Path of bytes not yet committed, relative to the element's root."""
    return f"{STAGING}/{name}"
