"""BagIt 1.0 (RFC 8493) as text: its declaration, its manifests, its bag-info; and how documents are named in it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from storage_element.domain import layout

DECLARATION_NAME = "bagit.txt"
INFO_NAME = "bag-info.txt"
FETCH_NAME = "fetch.txt"
PAYLOAD = "data"
ALGORITHMS = ("sha256", "sha512")
"""Which manifests a bag of ours has: the digest that the element itself keeps, and the one that the RFC recommends."""

DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_DECLARATION = re.compile(r"BagIt-Version: (?:0\.97|1\.0)\r?\nTag-File-Character-Encoding: UTF-8(?:\r?\n)?")
_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+(.+)")
_ESCAPED = re.compile(r"%(0[AaDd]|25)")
_CONTENT = re.compile(r"([0-9a-f-]{36})\.v([1-9]\d{0,8})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OXUM = re.compile(r"(\d{1,20})\.(\d{1,20})")


class BadBag(ValueError):
    """The bag is not what it says, or says what no element can take; nothing of it is stored."""


def attributes_name(file_id: UUID) -> str:
    """Where a bag holds the attributes of a document: as the element does, below `data/` in the place of `files/`."""
    return PAYLOAD + layout.attributes_path(file_id).removeprefix(layout.FILES)


def content_name(file_id: UUID, version: int) -> str:
    """Where a bag holds the content of a document."""
    return PAYLOAD + layout.content_path(file_id, version).removeprefix(layout.FILES)


def manifest_name(algorithm: str) -> str:
    """The name of the payload's manifest."""
    return f"manifest-{algorithm}.txt"


def tag_manifest_name(algorithm: str) -> str:
    """The name of the manifest of everything else."""
    return f"tagmanifest-{algorithm}.txt"


def must_declare(text: str) -> None:
    """Raise unless `text` is the bagit.txt of a version that is understood here."""
    if not _DECLARATION.fullmatch(text):
        raise BadBag(f"{DECLARATION_NAME} does not declare BagIt 1.0 (or 0.97) in UTF-8")


def entries(lines: Iterable[str], name: str) -> Iterator[tuple[str, str]]:
    """Path and digest of each line of a manifest; `BadBag` for a line that is none, or that leads out of the bag."""
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line.rstrip("\r\n"))
        if match is None:
            raise BadBag(f"{name}, line {number}, is not a digest and a path")
        path = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), match[2])
        _must_stay_inside(path, f"{name}, line {number}")
        yield path, match[1].lower()


@dataclass(frozen=True, slots=True)
class Part:
    """A payload file: the content of a document in this version, or its attributes when `version` is 0."""

    file_id: UUID
    version: int

    @property
    def path(self) -> str:
        """Where a bag holds it."""
        return content_name(self.file_id, self.version) if self.version else attributes_name(self.file_id)


def part_at(path: str) -> Part:
    """What lies at a path of the payload; `BadBag` when nothing that an element writes belongs there."""
    name = path.rpartition("/")[2]
    match = _CONTENT.fullmatch(name)
    file_id = layout.id_of(match[1], "") if match else layout.id_of(name, layout.ATTRIBUTES_SUFFIX)
    if file_id:
        part = Part(file_id, int(match[2]) if match else 0)
        if part.path == path:
            return part
    raise BadBag(f"{path} is neither the content nor the attributes of a document, in the place that its id names")


def info_line(label: str, value: str) -> str:
    """A line of bag-info.txt."""
    return f"{label}: {' '.join(value.split())}\n"


def payload_oxum(info: str) -> tuple[int, int] | None:
    """Bytes and files of the payload as bag-info.txt says; None when it says nothing."""
    fields = (line.partition(":") for line in info.splitlines())
    values = [value.strip() for label, _, value in fields if label.lower() == "payload-oxum"]
    if not values:
        return None
    match = _OXUM.fullmatch(values[0])
    if match is None or len(values) > 1:
        raise BadBag(f"{INFO_NAME} has a Payload-Oxum that cannot be read")
    return int(match[1]), int(match[2])


def _must_stay_inside(path: str, where: str) -> None:
    """No path that is absolute, goes up, or means something to some other system (RFC 8493 section 5)."""
    steps = path.split("/")
    if {"", ".", ".."} & set(steps) or path[0] == "~" or "\\" in path or ":" in steps[0] or _CONTROL.search(path):
        raise BadBag(f"{where}: the path {path!r} leads out of the bag, or is written in no one way")
