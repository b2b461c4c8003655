"""Export: documents out of an element's directory into a bag, each checked against its digest on the way."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.metadata import version
from uuid import UUID

from artstore_kit.contracts.errors import FileUnknown
from artstore_kit.contracts.files import FileAttributes
from storage_element.adapters.bag_writer import BagWriter, Written
from storage_element.adapters.local.bare_element import BareElement, ContentGone, Unreadable
from storage_element.domain import bag_format
from storage_element.services.look import look_at, must_be


class NothingToExport(ValueError):
    """No document is to be exported; there is no bag."""


@dataclass
class Exported:
    """How far the export has come, and what could not be exported: a path or an id, and why."""

    documents: int = 0
    content_bytes: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)
    is_complete: bool = False


@dataclass(frozen=True)
class Wanted:
    """Which documents: those of these ids, those whose collection matches, or all when neither is named."""

    ids: tuple[UUID, ...] = ()
    collections: tuple[str, ...] = ()

    def takes(self, file: FileAttributes) -> bool:
        """Whether a document is wanted for its collection."""
        return not self.collections or any(fnmatchcase(file.collection, each) for each in self.collections)


class Exporter:
    """Exports from one element into one bag."""

    def __init__(self, element: BareElement, bag: BagWriter, progress: Callable[[Exported], None]) -> None:
        self._element = element
        self._bag = bag
        self._progress = progress
        self._exported = Exported()

    def run(self, wanted: Wanted, *, without_damaged: bool) -> Exported:
        """Export what is wanted. With something damaged there is no bag, unless it shall be made `without_damaged`.

        `FileUnknown` when a document that is named is not there, `NothingToExport` when nothing is.
        """
        if self._element.journal_damage:
            self._damaged("journal", self._element.journal_damage)
        for file_id in wanted.ids or self._element.ids(self._damaged):
            self._export(file_id, wanted)
            self._progress(self._exported)
        if not self._exported.damaged and not self._exported.documents:
            raise NothingToExport("no document is to be exported")
        if without_damaged or not self._exported.damaged:
            self._bag.finish(self._info())
            self._exported.is_complete = True
        return self._exported

    def _export(self, file_id: UUID, wanted: Wanted) -> None:
        try:
            written = self._written(file_id, wanted)
        except FileUnknown:
            if wanted.ids:
                raise
        except Unreadable as error:
            self._damaged(str(file_id), str(error))
        else:
            if written:
                self._bag.enter(written)
                self._exported.documents += 1
                self._exported.content_bytes += written[0].size

    def _written(self, file_id: UUID, wanted: Wanted) -> list[Written]:
        """Content and attributes, written into the bag; nothing when the document is not wanted."""
        attributes, file = look_at(self._element, file_id)
        if not wanted.takes(file):
            return []
        try:
            content = self._written_content(file)
        except ContentGone:
            if self._element.attributes(file_id) == attributes:
                raise
            return self._written(file_id, wanted)
        return [content, self._bag.write(bag_format.attributes_name(file_id), [attributes])]

    def _written_content(self, file: FileAttributes) -> Written:
        path = bag_format.content_name(file.file_id, file.content.version)
        try:
            written = self._bag.write(path, self._element.content(file))
            must_be(file, written.size, written.digests["sha256"])
        except Unreadable:
            self._bag.drop(path)
            raise
        return written

    def _damaged(self, what: str, why: str) -> None:
        self._exported.damaged.append((what, why))

    def _info(self) -> Iterable[tuple[str, str]]:
        block = self._element.superblock
        yield "Bag-Software-Agent", f"artstore-element {version('storage-element')}"
        yield "Bagging-Date", f"{datetime.now(UTC):%Y-%m-%d}"
        yield "External-Identifier", block.element_id
        yield "External-Description", f"Documents of the ArtStore element {block.element_id}, mode {block.mode.value}"
        yield "ArtStore-Documents", str(self._exported.documents)
        for what, why in self._exported.damaged:
            yield "ArtStore-Left-Out", f"{what}: {why}"
