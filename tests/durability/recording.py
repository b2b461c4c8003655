"""Recordings of an element's operations: which calls they make, and what callers had been told at each."""

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from told import Told

from storage_element.domain import layout
from storage_element.domain.records import Kind
from tests.durability.bed import Bed, open_bed
from tests.durability.calls import Call, Note, Recorder
from tests.durability.ledger import Event, Ledger
from tests.durability.operations import Before, Operation, furnish
from tests.durability.power import Platter
from tests.durability.seeded_loop import run_seeded
from tests.durability.shelf import laid_out, place, read_tree
from tests.durability.tape import Tape
from tests.durability.verdict import HARMED, half_visible
from tests.durability.watch import watching
from tests.durability.world import Tree, World


@dataclass(frozen=True)
class Base:
    """An element as it lies on the disk after a kill, what was promised of it, and the files that are known by name.

    The spool of the audit log holds `told`, and may hold `maybe_told`, which had not been synced.
    """

    tree: Tree
    events: Sequence[Event]
    files: Mapping[str, UUID]
    told: Sequence[bytes] = ()
    maybe_told: Sequence[bytes] = ()


@dataclass(frozen=True)
class Recording:
    """`notes` tell what was known before each call, and in the end."""

    before: World
    calls: Sequence[Call]
    notes: Sequence[Note]
    began: int
    ledger: Ledger
    start: Base
    told: Sequence[bytes]
    too_early: Sequence[str]

    def told_after(self, at: int) -> tuple[list[bytes], list[bytes]]:
        """The entries that are in the spool after a power cut at this call, and those that may be there besides."""
        known, start = self.notes[at], self.start
        return (
            [*start.told, *self.told[: known.synced]],
            [*start.maybe_told, *self.told[known.synced : known.told]],
        )


@contextmanager
def chance(seed: int) -> Iterator[None]:
    """Ids, salts and names of staged files follow from `seed`, so that a recording can be repeated."""
    chosen = random.Random(seed)
    before = os.urandom, random._urandom  # type: ignore[attr-defined]
    os.urandom = random._urandom = chosen.randbytes  # type: ignore[attr-defined]
    try:
        yield
    finally:
        os.urandom, random._urandom = before  # type: ignore[attr-defined]


def base(before: Before, seed: int) -> Base:
    """The element with which an operation begins."""
    if before is Before.EMPTY:
        return Base({}, (), {})
    furnished = _furnished(seed)
    if before is Before.KILLED:
        return furnished
    if before is Before.HARMED:
        harmed = layout.content_path(furnished.files["changed"], 1)
        return replace(furnished, tree=dict(furnished.tree) | {harmed: HARMED})
    recording = record(Operation("furnish", furnish), Base({}, (), {}), seed)
    platter = Platter(recording.before)
    for call in recording.calls:
        platter.take(call)
    told = recording.told_after(-1)
    return Base(platter.durable.tree(), recording.ledger.events, furnished.files, *told)


@lru_cache
def _furnished(seed: int) -> Base:
    ledger, spool = Ledger(), Told()

    async def work(root: Path) -> dict[str, UUID]:
        async with open_bed(root, ledger, spool=spool) as bed:
            await furnish(bed)
            return bed.files

    with place() as directory, chance(seed):
        files = run_seeded(seed, lambda: work(directory / "e"))
        return Base(read_tree(directory / "e"), ledger.events, files, spool.lines)


def record(operation: Operation, start: Base, seed: int) -> Recording:
    """What `operation` does to an element that lies there like `start`; `began` is the first call that is its own."""
    ledger, spool = Ledger(start.events), Told()
    listener = _Listener(ledger, spool)
    recorder = Recorder(note=listener.note)

    async def work(root: Path) -> int:
        async with open_bed(root, ledger, dict(start.files), spool) as bed:
            listener.bed, began = bed, len(recorder.calls)
            await operation.act(bed)
        return 0 if operation.opens else began

    with laid_out(start.tree) as root, chance(seed), watching(root, recorder) as tape:
        before, listener.tape = tape.world.copy(), tape
        began = run_seeded(seed, lambda: work(root))
        assert tape.world.tree() == read_tree(root), "the tape missed something"
    notes = [*recorder.notes, listener.note()]
    return Recording(before, recorder.calls, notes, began, ledger, start, spool.lines, listener.too_early)


class _Listener:
    """Stands where the index does: what it is told of must be in place already."""

    def __init__(self, ledger: Ledger, spool: Told) -> None:
        self._ledger = ledger
        self._spool = spool
        self._heard = 0
        self.bed: Bed | None = None
        self.tape: Tape | None = None
        self.too_early: list[str] = []
        self._seen: Tree = {}

    def note(self) -> Note:
        """What is known now."""
        told = len(self._spool.lines), self._spool.synced_count
        if self.bed is None or self.tape is None:
            return Note(len(self._ledger.events), 0, *told)
        self._look()
        committed = self.bed.core.committed
        fresh = {record.file_id: record for record in committed[self._heard :]}
        self._heard = len(committed)
        self.too_early += [
            f"the index was told of LSN {record.lsn}, which is not in place"
            for record in fresh.values()
            if _is_there(self.tape, record.file_id) == (record.kind is Kind.REMOVE)
        ]
        return Note(len(self._ledger.events), committed[-1].lsn if committed else 0, *told)

    def _look(self) -> None:
        """What a reader finds at this moment is whole."""
        assert self.tape is not None
        seen = self.tape.world.tree()
        if seen != self._seen:
            self._seen = seen
            self.too_early += [f"a reader finds {each.detail}" for each in half_visible(seen)]


def _is_there(tape: Tape, file_id: UUID) -> bool:
    return tape.world.find(layout.attributes_path(file_id)) is not None
