"""What a power cut may leave: every state that a recording allows (docs/durability.md tells the model).

A change is durable when its inode was synced after it, a name when its directory was, and all of them after `syncfs`.
Of what is not durable any part may be there, in any order, and writes may be torn between sectors.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.durability.calls import EVERYTHING, Call
from tests.durability.world import (
    KEPT,
    LOST,
    NOISE,
    PAGE_BYTES,
    ROOT,
    SECTOR_BYTES,
    SIZE_ONLY,
    Change,
    ClearName,
    Data,
    SetName,
    Tree,
    World,
)

type Fate = tuple[str, ...]
"""What becomes of each pending change, in order."""


@dataclass
class Platter:
    """What is certainly on stable storage, and what is still pending, as a recording goes on."""

    durable: World
    pending: list[Change] = field(default_factory=list)

    def take(self, call: Call) -> None:
        """The next call of the recording."""
        self.pending.extend(call.changes)
        if call.syncs is not None:
            self._sync(call.syncs)

    def after(self, fate: Fate) -> World:
        """What is there after a power cut that made `fate` of the pending changes."""
        world = self.durable.copy()
        kept = [(change, how) for change, how in zip(self.pending, fate, strict=True) if how != LOST]
        unnamed = self._unnamed([change for change, _ in kept])
        for change, how in kept:
            if not (isinstance(change, ClearName) and id(change.moved) in unnamed):
                world.apply(change, how)
        return world

    def _unnamed(self, kept: Sequence[Change]) -> set[int]:
        """New names of renames that are not there, or lie in a directory that is not there."""
        moved = {id(change.moved) for change in kept if isinstance(change, ClearName) and change.moved is not None}
        if not moved:
            return set()
        there = _directories(self.durable, kept)
        named = {id(change) for change in kept if change.target in there}
        return moved & {id(change) for change in self.pending} - named

    def _sync(self, inode: int) -> None:
        """A rename that is durable in one directory is so in the other, with all that leads to the new name."""
        due = {id(change) for change in self.pending if inode in {EVERYTHING, change.target}}
        for change in self.pending:
            if id(change) in due and isinstance(change, ClearName) and change.moved is not None:
                due |= self._leading_to(change.moved)
        for change in self.pending:
            if id(change) in due:
                self.durable.apply(change)
        self.pending = [change for change in self.pending if id(change) not in due]

    def _leading_to(self, named: SetName) -> set[int]:
        """The new name itself, what bore it before, and the directories above it."""
        due: set[int] = set()
        directory = named.directory
        for change in reversed(self.pending):
            if isinstance(change, SetName) and change.is_directory and change.inode == directory:
                directory = change.directory
            elif change is not named and _place(change) != (named.directory, named.name):
                continue
            due.add(id(change))
        return due


def _directories(durable: World, kept: Sequence[Change]) -> set[int]:
    """Those that can be reached."""
    above = {inode: of for of, names in durable.directories.items() for inode in names.values()}
    above |= {change.inode: change.directory for change in kept if isinstance(change, SetName) and change.is_directory}
    reached = {ROOT}
    for inode in durable.directories.keys() | above.keys():
        way = [inode]
        while way[-1] not in reached and way[-1] in above:
            way.append(above[way[-1]])
        if way[-1] in reached:
            reached |= set(way)
    return reached


def _place(change: Change) -> tuple[int, str] | None:
    return (change.directory, change.name) if isinstance(change, SetName | ClearName) else None


@dataclass(frozen=True)
class Effort:
    """How thoroughly the states of one moment are gone through."""

    exhaustive_up_to: int
    samples: int
    tears: int
    plain: int


def fates(pending: Sequence[Change], effort: Effort, seed: int) -> Iterator[Fate]:
    """What may become of the pending changes: the named cases first, then all (of few) or a sample (of many)."""
    count = len(pending)
    chosen = random.Random(seed)
    few = count <= effort.exhaustive_up_to
    yield from _plain(count, range(count) if few else sorted(chosen.sample(range(count), min(count, effort.plain))))
    yield from _torn(pending, effort.tears, chosen)
    if few:
        yield from itertools.product((LOST, KEPT), repeat=count)
        return
    for _ in range(effort.samples):
        share = chosen.random()
        yield tuple(_fate(change, share, chosen) for change in pending)


def _plain(count: int, cases: Sequence[int]) -> Iterator[Fate]:
    """Nothing, all, and of the cases: what came before, it alone, and all but it."""
    yield (LOST,) * count
    yield (KEPT,) * count
    for at in cases:
        yield (KEPT,) * at + (LOST,) * (count - at)
        yield (LOST,) * at + (KEPT,) + (LOST,) * (count - at - 1)
        yield (KEPT,) * at + (LOST,) + (KEPT,) * (count - at - 1)


def _torn(pending: Sequence[Change], tears: int, chosen: random.Random) -> Iterator[Fate]:
    """The last change, when it is a write, is torn; all before it is kept, or lost."""
    if not pending or not isinstance(pending[-1], Data):
        return
    rest = len(pending) - 1
    for how in _tears(pending[-1], tears, chosen):
        yield (*(KEPT,) * rest, how)
        yield (*(LOST,) * rest, how)


def _tears(write: Data, most: int, chosen: random.Random) -> list[str]:
    size = len(write.data)
    sectors = [f"{side}{at}" for at in range(SECTOR_BYTES, size, SECTOR_BYTES) for side in "<>"]
    pages = [f"<{at - write.offset % PAGE_BYTES}" for at in range(PAGE_BYTES, size, PAGE_BYTES)]
    some = chosen.sample(sectors, min(most, len(sectors))) + chosen.sample(pages, min(most, len(pages)))
    stale = [SIZE_ONLY, NOISE] if write.grows else [SIZE_ONLY]
    return [*some, *stale, *(f"~{chosen.randrange(1000)}" for _ in range(most if sectors else 0))]


def _fate(change: Change, share: float, chosen: random.Random) -> str:
    if chosen.random() >= share:
        return LOST
    if isinstance(change, Data) and chosen.random() < 0.3:
        return chosen.choice(_tears(change, 1, chosen))
    return KEPT


@dataclass(frozen=True)
class CrashState:
    """What lay on the disk after a power cut before call number `at` of a recording (or after its last)."""

    at: int
    fate: Fate
    tree: Tree


def crash_states(before: World, calls: Sequence[Call], effort: Effort, seed: int) -> Iterator[CrashState]:
    """Every state, moment after moment; many of them are equal."""
    platter = Platter(before.copy())
    for at in range(len(calls) + 1):
        for fate in fates(platter.pending, effort, seed + at):
            yield CrashState(at, fate, platter.after(fate).tree())
        if at < len(calls):
            platter.take(calls[at])
