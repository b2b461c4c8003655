"""What lies in one directory of files, sorted out by names and places."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from storage_element.domain import layout
from storage_element.domain.judgement import Finding, Kind, judge_name, named
from storage_element.domain.upkeep import Directory


@dataclass(frozen=True)
class Listing:
    """Documents by their attributes, the sizes of contents by id and version, and names that should not be here."""

    documents: Sequence[UUID]
    contents: Mapping[UUID, Mapping[int, int]]
    odd: Sequence[Finding]

    @classmethod
    def of(cls, directory: Directory) -> "Listing":
        """Of a directory as it was walked."""
        documents: list[UUID] = []
        contents: defaultdict[UUID, dict[int, int]] = defaultdict(dict)
        odd: list[Finding] = []
        for entry in directory.entries:
            path, found = f"{directory.path}/{entry.name}", named(entry.name)
            if found is None:
                odd.append(judge_name(path, entry.name))
            elif directory.path != layout.directory_of(found.file_id):
                odd.append(Finding(Kind.MISPLACED, path, "is not in the directory that its id names"))
            elif found.version is None:
                documents.append(found.file_id)
            else:
                contents[found.file_id][found.version] = entry.size
        return cls(documents, contents, odd)

    @property
    def without_attributes(self) -> set[UUID]:
        """Ids that have content here and nothing that speaks of it."""
        return self.contents.keys() - set(self.documents)
