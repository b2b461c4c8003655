"""Harm that is done to what lies on a disk, without a word to anybody."""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage_element.domain import layout

type Tree = dict[str, bytes | None]
type Harm = Callable[[Tree, str], None]
"""Does harm to one path of a tree."""

NOBODY = 65534
HEADER_BYTES = 512
FRAME_BYTES = 80
SIZES_AT = (36, 40, 44)
"""Where a record says how long its attributes, its content and its origin are."""

ACKNOWLEDGED = "and it was acknowledged"


def flip(tree: Tree, path: str) -> None:
    """One bit in the middle."""
    content = tree[path] or b""
    tree[path] = flipped(content, len(content) // 2)


def flip_first(tree: Tree, path: str) -> None:
    """One bit of the first byte."""
    tree[path] = flipped(tree[path] or b"", 0)


def truncate(tree: Tree, path: str) -> None:
    """One byte less."""
    tree[path] = (tree[path] or b"")[:-1]


def lengthen(tree: Tree, path: str) -> None:
    """One byte more."""
    tree[path] = (tree[path] or b"") + b"\0"


def empty(tree: Tree, path: str) -> None:
    """Not one byte."""
    tree[path] = b""


def zero(tree: Tree, path: str) -> None:
    """As many bytes, and nothing in them."""
    tree[path] = bytes(len(tree[path] or b""))


def lose(tree: Tree, path: str) -> None:
    """The name is gone."""
    del tree[path]


def disown(tree: Tree, path: str) -> None:
    """Another user's, whom alone it may be read by: not a byte is different; see `as_another_user`."""


@contextmanager
def as_another_user(root: Path, path: str) -> Iterator[None]:
    """All below `root` belongs to who we are meanwhile, but for `path`, which we may not read."""
    us = os.geteuid()
    (root / path).chmod(0)
    if us == 0:
        for each in [root.parent, root, *root.rglob("*")]:
            if each != root / path:
                os.chown(each, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(us)
        for each in root.rglob(f"*{Path(path).name}"):
            each.chmod(0o640)


def swap_with(other: str) -> Harm:
    """Two contents are exchanged."""

    def swapped(tree: Tree, path: str) -> None:
        tree[path], tree[other] = tree[other], tree[path]

    return swapped


def copy_from(other: str) -> Harm:
    """The attributes of another file lie there."""

    def of_another(tree: Tree, path: str) -> None:
        tree[path] = tree[other]

    return of_another


def double(tree: Tree, path: str) -> None:
    """A second one for the same id, in the directory of another minute."""
    directory, _, name = path.rpartition("/")
    minutes = [each for each, content in tree.items() if content is None and each.count("/") == directory.count("/")]
    elsewhere = next(each for each in minutes if each.startswith(layout.FILES) and each != directory)
    tree[f"{elsewhere}/{name}"] = tree[path]


OF_CONTENT: list[Harm] = [flip, truncate, lengthen, empty, zero, lose, disown]
OF_ATTRIBUTES: list[Harm] = [flip_first, truncate, empty, zero, disown]


@dataclass(frozen=True)
class DamagedJournal:
    """`told` is what the element says when it refuses to start; empty when it must start."""

    name: str
    tree: Tree
    told: str


def damaged_journals(tree: Mapping[str, bytes | None]) -> Iterator[DamagedJournal]:
    """Of an element whose newest documents only its journal knows."""
    [path] = [each for each in tree if each.endswith(".wal")]
    segment, first = tree[path] or b"", int(Path(path).stem)
    frames = frames_of(segment)
    for number, at in enumerate(frames[:-1]):
        for offset in (0, 4, 9, 17, 25, 33, 37, 45, 60, FRAME_BYTES, FRAME_BYTES + 50):
            harmed = {path: flipped(segment, at + offset)}
            yield DamagedJournal(f"journal: record {number}, byte {offset}", {**tree, **harmed}, ACKNOWLEDGED)
    for number, (at, end) in enumerate(itertools.pairwise(frames)):
        cut = segment[:at] + segment[end:]
        yield DamagedJournal(f"journal: without record {number}", {**tree, path: cut}, ACKNOWLEDGED)
    headers = {
        "a bit of the header": (flipped(segment, 5), "header"),
        "no header": (bytes(HEADER_BYTES) + segment[HEADER_BYTES:], "header"),
        "an empty segment": (b"", ""),
        "half a header, and nothing else": (segment[:100].ljust(4096, b"\0"), ""),
    }
    for name, (content, told) in headers.items():
        yield DamagedJournal(f"journal: {name}", {**tree, path: content}, told)
    later = f"{layout.JOURNAL}/{first + len(frames) + 1:020d}.wal"
    yield DamagedJournal("journal: a segment is missing", {**tree, later: segment}, "begins at LSN")
    for staged in [each for each in tree if each.startswith(f"{layout.STAGING}/") and tree[each]]:
        gone = {each: content for each, content in tree.items() if each != staged}
        yield DamagedJournal(f"journal: without {staged[-8:]}", gone, "content is missing")


def flipped(content: bytes, at: int) -> bytes:
    """Another bit there."""
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def frames_of(segment: bytes) -> list[int]:
    """Where records begin (docs/formats/journal.md)."""
    at, found = HEADER_BYTES, []
    while segment[at : at + 4] == b"ASJ1":
        found.append(at)
        size = FRAME_BYTES + sum(int.from_bytes(segment[at + each : at + each + 4], "little") for each in SIZES_AT)
        at += size + -size % 8
    return found
