"""Compares what the audit log is told, after a recovery, with what was promised and with what is there."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.files import FileAttributes
from storage_element.domain import layout
from tests.durability.ledger import OF_THE_MODE, UPLOAD, Event
from tests.durability.verdict import LOST, Wrong
from tests.durability.world import Tree

REMOVALS = frozenset({"file.remove", "file.expire", "file.destroy"})


@dataclass(frozen=True)
class Told:
    """An entry, as far as it can be compared."""

    entry_id: UUID
    file_id: UUID
    action: str
    lsn: int
    revision: int
    sha256: str


@lru_cache(10_000)
def told_by(line: bytes) -> Told:
    """What an entry tells; `ValueError` when the audit log would refuse it."""
    entry = AuditEntry.model_validate_json(line)
    said = json.loads(line)["detail"]
    file_id = UUID(entry.resource.removeprefix("file:"))
    return Told(entry.entry_id, file_id, entry.action, said["lsn"], said["revision"], said["sha256"])


type _ByFile = Mapping[UUID, Mapping[int, set[Told]]]
"""By the LSN of the change."""


def judge_told(
    events: Sequence[Event], tree: Tree, certain: Iterable[bytes], perhaps: Iterable[bytes] = ()
) -> list[Wrong]:
    """What is wrong with the entries of an element that was recovered: they, or some of them besides, are there."""
    certain = list(certain)
    told, every = by_file(certain), by_file([*certain, *perhaps])
    return [*_untold(events, told), *told_wrongly(tree, told, every)]


def by_file(lines: Iterable[bytes]) -> _ByFile:
    """What these entries tell."""
    found: dict[UUID, dict[int, set[Told]]] = defaultdict(lambda: defaultdict(set))
    for each in map(told_by, lines):
        found[each.file_id][each.lsn].add(each)
    return found


def told_wrongly(tree: Tree, told: _ByFile, every: _ByFile) -> Iterator[Wrong]:
    """The newest entry of each file tells what is there; none tells the same change as another one."""
    there = dict(_lsns(tree))
    for file_id, by_lsn in every.items():
        yield from (
            Wrong(LOST, f"{file_id}: LSN {lsn} has several entries: {several}")
            for lsn, several in by_lsn.items()
            if len(several) > 1
        )
        newest = max(by_lsn)
        [entry, *_] = by_lsn[newest]
        if there.get(file_id) != (None if entry.action in REMOVALS else newest):
            yield Wrong(
                LOST, f"{file_id}: the audit log was told of {entry}, and the file has LSN {there.get(file_id)}"
            )
    for file_id, lsn in there.items():
        if lsn not in told.get(file_id, ()):
            yield Wrong(LOST, f"{file_id}: nobody told the audit log of LSN {lsn}")


def _untold(events: Sequence[Event], told: _ByFile) -> Iterator[Wrong]:
    """Each change that was promised has its entry."""
    no_files = {event.file_id for event in events if event.version and event.version.description == UPLOAD}
    for event in events:
        if event.what != "done" or event.file_id in no_files or event.file_id == OF_THE_MODE:
            continue
        entries = told.get(event.file_id, {})
        if event.version is None:
            if sum(each.action in REMOVALS for several in entries.values() for each in several) != 1:
                yield Wrong(LOST, f"{event.file_id}: the audit log was not told once of its removal: {entries}")
            continue
        lsn = lsn_of(event.answered)
        if not any(
            (each.revision, each.sha256) == (event.version.revision, event.version.sha256)
            for each in entries.get(lsn, ())
        ):
            yield Wrong(LOST, f"{event.file_id}: nobody told the audit log of {event.version}, LSN {lsn}")


@lru_cache(10_000)
def lsn_of(attributes: str | bytes) -> int:
    """That of attributes that a caller was answered, or that lie there."""
    return FileAttributes.model_validate_json(attributes).element.lsn


def _lsns(tree: Tree) -> Iterator[tuple[UUID, int]]:
    for path, data in tree.items():
        if path.startswith(f"{layout.FILES}/") and path.endswith(layout.ATTRIBUTES_SUFFIX) and data is not None:
            yield _id(path.rpartition("/")[2].removesuffix(layout.ATTRIBUTES_SUFFIX)), lsn_of(data)


_id = lru_cache(10_000)(UUID)
