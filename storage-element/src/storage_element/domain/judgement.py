"""What is wrong with what lies on an element: judged in one way, whoever looks, whether it runs or is stopped."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from artstore_kit.contracts.files import ATTRIBUTES_LIMIT_BYTES, Content, FileAttributes
from storage_element.domain import layout

_ID_LENGTH = 36
_CONTENT = re.compile(r"([0-9a-f-]{36})\.v([1-9]\d*)")


class Kind(StrEnum):
    """What was found."""

    JOURNAL_DAMAGED = "journal_damaged"
    DIRECTORY_UNREADABLE = "directory_unreadable"
    ATTRIBUTES_UNREADABLE = "attributes_unreadable"
    MISPLACED = "misplaced"
    CONTENT_MISSING = "content_missing"
    CONTENT_CORRUPT = "content_corrupt"
    ATTRIBUTES_ROLLED_BACK = "attributes_rolled_back"
    UNCLAIMED_CONTENT = "unclaimed_content"
    HALF_NAME = "half_name"
    FOREIGN = "foreign"
    ROW_MISSING = "row_missing"
    ROW_STALE = "row_stale"
    ROW_GHOST = "row_ghost"

    @property
    def is_damage(self) -> bool:
        """Whether something that was stored is not as it was. Unclaimed content was never acknowledged, or removed;
        the index is only a copy."""
        return self not in _NO_DAMAGE


_NO_DAMAGE = frozenset(
    {Kind.UNCLAIMED_CONTENT, Kind.HALF_NAME, Kind.FOREIGN, Kind.ROW_MISSING, Kind.ROW_STALE, Kind.ROW_GHOST}
)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be; `path` is relative to the element's root."""

    kind: Kind
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Named:
    """What a name says: the attributes of a file, or, with a version, its content."""

    file_id: UUID
    version: int | None = None


@dataclass(frozen=True)
class Judged:
    """Attributes that were looked at: what they say, if they can be read, and what is wrong with them."""

    file: FileAttributes | None
    findings: list[Finding] = field(default_factory=list)


def named(name: str) -> Named | None:
    """What a name in a directory of files speaks of; None for one that no element writes."""
    if match := _CONTENT.fullmatch(name):
        file_id = layout.id_of(match[1], "")
        return None if file_id is None else Named(file_id, int(match[2]))
    file_id = layout.id_of(name, layout.ATTRIBUTES_SUFFIX)
    return None if file_id is None else Named(file_id)


def judge_name(path: str, name: str) -> Finding:
    """What a name that says nothing to an element is: the beginning of one of its own, or somebody else's."""
    if layout.id_of(name[:_ID_LENGTH], "") is not None and name[_ID_LENGTH:].startswith("."):
        return Finding(Kind.HALF_NAME, path, "begins as an element's names do, and does not end so")
    return Finding(Kind.FOREIGN, path, "nothing that an element writes")


def judge_attributes(path: str, file_id: UUID, data: bytes) -> Judged:
    """Whether these are the attributes of `file_id`, readable, and where its id says."""
    try:
        file = FileAttributes.model_validate_json(data)
    except ValueError as error:
        return Judged(None, [Finding(Kind.ATTRIBUTES_UNREADABLE, path, " ".join(str(error).split()))])
    found = []
    if len(data) > ATTRIBUTES_LIMIT_BYTES:
        found.append(Finding(Kind.ATTRIBUTES_UNREADABLE, path, f"has {len(data)} bytes"))
    if file.file_id != file_id:
        found.append(Finding(Kind.MISPLACED, path, f"holds the attributes of {file.file_id}"))
    elif path != layout.attributes_path(file_id):
        found.append(Finding(Kind.MISPLACED, path, "is not in the directory that its id names"))
    return Judged(file, found)


def judge_content(path: str, expected: Content, size: int, sha256: str = "") -> Finding | None:
    """Whether content of this size, and of this sha-256 when it was read, is the one that was stored."""
    if size != expected.stored_size:
        return Finding(Kind.CONTENT_CORRUPT, path, f"has {size} bytes, and had {expected.stored_size}")
    if sha256 and sha256 != expected.stored_sha256:
        return Finding(Kind.CONTENT_CORRUPT, path, f"has the sha-256 {sha256}, and had {expected.stored_sha256}")
    return None
