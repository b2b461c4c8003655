"""Looks at an element's directory without changing it and without a database: is every document there, and intact?"""

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from artstore_kit.contracts.files import Content
from artstore_kit.start import StartRefused
from storage_element.adapters.local.journal import read_journal
from storage_element.domain import layout
from storage_element.domain.judgement import Finding, Kind, judge_attributes, judge_content, judge_name, named
from storage_element.domain.superblock import Superblock


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
            for record in read_journal(self._root / layout.JOURNAL, element_id):
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
            found = named(name)
            if found is None:
                self._inspection.findings.append(judge_name(self._relative(directory / name), name))
            elif found.file_id in self._pending:
                continue
            elif found.version is None:
                claimed |= self._document(directory / name, found.file_id)
            else:
                contents.append(name)
        for name in contents:
            if name not in claimed:
                self._found(Kind.UNCLAIMED_CONTENT, directory / name, "no attributes speak of this content")

    def _document(self, path: Path, file_id: UUID) -> set[str]:
        """The names of content that is this document's."""
        self._inspection.documents += 1
        try:
            judged = judge_attributes(self._relative(path), file_id, path.read_bytes())
        except OSError as error:
            self._found(Kind.ATTRIBUTES_UNREADABLE, path, str(error.strerror))
            return _all_content(path, file_id)
        self._inspection.findings += judged.findings
        if judged.file is None:
            return _all_content(path, file_id)
        expected = judged.file.content
        self._inspection.content_bytes += expected.stored_size
        content = path.with_name(Path(layout.content_path(file_id, expected.version)).name)
        self._content(content, expected)
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
            finding = judge_content(self._relative(path), expected, size, sha256)
            self._inspection.findings += [finding] if finding else []

    def _found(self, kind: Kind, path: Path, detail: str) -> None:
        self._inspection.findings.append(Finding(kind, self._relative(path), detail))

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._root))


def _all_content(path: Path, file_id: UUID) -> set[str]:
    """While the attributes cannot be read, every version may be theirs."""
    return {each.name for each in path.parent.glob(f"{file_id}.v*")}
