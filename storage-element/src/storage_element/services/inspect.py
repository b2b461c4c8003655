"""Looks at an element's directory without changing it and without a database: is every document there, and intact?"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from artstore_kit.contracts.files import ATTRIBUTES_LIMIT_BYTES, Content, FileAttributes
from artstore_kit.start import StartRefused
from storage_element.adapters.local.journal import Journal
from storage_element.domain import layout
from storage_element.domain.superblock import Superblock

_CONTENT = re.compile(r"([0-9a-f-]{36})\.v([1-9]\d*)")


class Kind(StrEnum):
    """What was found."""

    JOURNAL_DAMAGED = "journal_damaged"
    DIRECTORY_UNREADABLE = "directory_unreadable"
    ATTRIBUTES_UNREADABLE = "attributes_unreadable"
    MISPLACED = "misplaced"
    CONTENT_MISSING = "content_missing"
    CONTENT_CORRUPT = "content_corrupt"
    UNCLAIMED_CONTENT = "unclaimed_content"
    FOREIGN = "foreign"

    @property
    def is_damage(self) -> bool:
        """Whether something that was stored is not as it was. Unclaimed content was never acknowledged, or removed."""
        return self not in {Kind.UNCLAIMED_CONTENT, Kind.FOREIGN}


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be; `path` is relative to the element's root."""

    kind: Kind
    path: str
    detail: str


@dataclass
class Inspection:
    """What was looked at so far, and what was found.

    `pending` files are named by journal records, because the element was not stopped in order: what lies on the disk
    of them is put right by the replay at the next start, and is not judged.
    """

    superblock: Superblock
    documents: int = 0
    content_bytes: int = 0
    pending: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged."""
        return not any(finding.kind.is_damage for finding in self.findings)


def inspect(root: Path, *, hashing: bool, progress: Callable[[Inspection], None]) -> Inspection:
    """Look at everything; with `hashing`, read every content against its sha-256.

    `OSError` or `ValueError` when `root` holds no element that can be read.
    """
    inspection = Inspection(Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes()))
    inspector = _Inspector(root, inspection, hashing)
    inspector.read_journal()
    for directory, subdirectories, names in os.walk(root / layout.FILES, onerror=inspector.unreadable):
        subdirectories.sort()
        inspector.look_into(Path(directory), sorted(names))
        progress(inspection)
    return inspection


class _Inspector:
    def __init__(self, root: Path, inspection: Inspection, hashing: bool) -> None:
        self._root = root
        self._inspection = inspection
        self._hashing = hashing
        self._pending: set[UUID] = set()

    def read_journal(self) -> None:
        element_id = self._inspection.superblock.element_id
        try:
            for record in Journal(self._root / layout.JOURNAL, element_id, 0).read(cut=False):
                self._pending.add(record.file_id)
        except StartRefused as error:
            self._found(Kind.JOURNAL_DAMAGED, self._root / layout.JOURNAL, str(error))
        self._inspection.pending = len(self._pending)

    def unreadable(self, error: OSError) -> None:
        self._found(Kind.DIRECTORY_UNREADABLE, Path(error.filename), str(error.strerror))

    def look_into(self, directory: Path, names: Iterable[str]) -> None:
        claimed: set[str] = set()
        contents: list[str] = []
        for name in names:
            path = directory / name
            match = _CONTENT.fullmatch(name)
            file_id = layout.id_of(match[1], "") if match else layout.id_of(name, layout.ATTRIBUTES_SUFFIX)
            if file_id is None:
                self._found(Kind.FOREIGN, path, "nothing that an element writes")
            elif file_id in self._pending:
                continue
            elif match:
                contents.append(name)
            else:
                claimed |= self._document(path, file_id)
        for name in contents:
            if name not in claimed:
                self._found(Kind.UNCLAIMED_CONTENT, directory / name, "no attributes speak of this content")

    def _document(self, path: Path, file_id: UUID) -> set[str]:
        """The names of content that is this document's."""
        self._inspection.documents += 1
        try:
            data = path.read_bytes()
            file = FileAttributes.model_validate_json(data)
        except (OSError, ValueError) as error:
            self._found(Kind.ATTRIBUTES_UNREADABLE, path, " ".join(str(error).split()))
            return {each.name for each in path.parent.glob(f"{file_id}.v*")}
        if len(data) > ATTRIBUTES_LIMIT_BYTES:
            self._found(Kind.ATTRIBUTES_UNREADABLE, path, f"has {len(data)} bytes")
        if file.file_id != file_id:
            self._found(Kind.MISPLACED, path, f"holds the attributes of {file.file_id}")
        elif str(path.relative_to(self._root)) != layout.attributes_path(file_id):
            self._found(Kind.MISPLACED, path, "is not in the directory that its id names")
        self._inspection.content_bytes += file.content.stored_size
        content = path.with_name(Path(layout.content_path(file_id, file.content.version)).name)
        self._content(content, file.content)
        return {content.name}

    def _content(self, path: Path, expected: Content) -> None:
        try:
            with path.open("rb") as content:
                size = os.fstat(content.fileno()).st_size
                sha256 = hashlib.file_digest(content, "sha256").hexdigest() if self._hashing else ""
        except FileNotFoundError:
            self._found(Kind.CONTENT_MISSING, path, "is not there")
        except OSError as error:
            self._found(Kind.CONTENT_CORRUPT, path, f"cannot be read: {error.strerror}")
        else:
            if size != expected.stored_size:
                self._found(Kind.CONTENT_CORRUPT, path, f"has {size} bytes, and had {expected.stored_size}")
            elif sha256 and sha256 != expected.stored_sha256:
                self._found(Kind.CONTENT_CORRUPT, path, f"has the sha-256 {sha256}, and had {expected.stored_sha256}")

    def _found(self, kind: Kind, path: Path, detail: str) -> None:
        self._inspection.findings.append(Finding(kind, str(path.relative_to(self._root)), detail))
