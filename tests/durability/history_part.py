"""Several callers on few files, while one master after another takes the element over; then the history is judged."""

import asyncio
import itertools
import math
import random
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from element_core import ASKER, TESTER
from told import Told

from artstore_kit.contracts.errors import ArtStoreError, FileUnknown, StorageFault
from artstore_kit.contracts.files import AttributeChanges, FileAttributes, UploadAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.exchange import Body
from storage_element.services.write import Upload
from tests.durability.bed import BEGINNING_MS, Bed, open_bed
from tests.durability.ledger import Ledger
from tests.durability.linearizable import Act, is_linearizable
from tests.durability.part import Order, Outcome, say
from tests.durability.recording import chance
from tests.durability.seeded_loop import run_seeded
from tests.durability.shelf import place, read_tree
from tests.durability.told_verdict import REMOVALS, by_file, told_wrongly
from tests.durability.verdict import LOST, Wrong

NORMAL_HISTORIES, LONG_HISTORIES = 400, 20_000
MASTERS, CALLERS, FILES, STEPS = 3, 3, 2, 4
IN_DOUBT = {503}


@dataclass
class History:
    """What was done and seen, by file."""

    seed: int
    acts: dict[UUID, list[Act]] = field(default_factory=dict)
    answered: list[tuple[int, int, int]] = field(default_factory=list)
    stored: list[tuple[UUID, int]] = field(default_factory=list)
    removed: Counter[UUID] = field(default_factory=Counter)
    spools: list[Told] = field(default_factory=list)
    clock: "itertools.count[int]" = field(default_factory=itertools.count)

    def judge(self) -> list[Wrong]:
        """No order explains it; or an LSN was given twice, or a smaller one later."""
        wrong = [
            Wrong(LOST, f"{file_id}: no order explains {acts}")
            for file_id, acts in self.acts.items()
            if not is_linearizable(acts)
        ]
        for (_, end, lsn), (start, _, later) in itertools.combinations(sorted(self.answered), 2):
            if lsn == later or (end < start and lsn > later):
                wrong.append(Wrong(LOST, f"LSN {later} was answered after LSN {lsn}"))
        return wrong

    def judge_told(self, root: Path) -> list[Wrong]:
        """What the masters told the audit log, each by a spool of its own, is what they answered, and what is there."""
        told = by_file(line for spool in self.spools for line in spool.lines)
        wrong = [
            Wrong(LOST, f"{file_id}: nobody told the audit log of LSN {lsn}")
            for file_id, lsn in self.stored
            if lsn not in told.get(file_id, ())
        ]
        for file_id, count in self.removed.items():
            entries = [each for several in told[file_id].values() for each in several if each.action in REMOVALS]
            if len(entries) < count:
                wrong.append(Wrong(LOST, f"{file_id}: removed {count} times, and the audit log has {entries}"))
        return [*wrong, *told_wrongly(read_tree(root), told, told)]


class Caller:
    """Acts on one element at a time, and remembers."""

    def __init__(self, history: History, bed: Bed, chosen: random.Random) -> None:
        self._history = history
        self._bed = bed
        self._chosen = chosen
        self.may_read = True

    async def run(self, steps: int) -> None:
        """Some acts, one after the other."""
        for _ in range(steps):
            file_id = self._chosen.choice(list(self._history.acts))
            act = self._chosen.choice([self._create, self._change, self._remove, self.read, self._checkpoint])
            await act(file_id)

    async def read(self, file_id: UUID) -> None:
        """What a master that was replaced shows is old, and no lie."""
        start = next(self._history.clock)
        try:
            value = (await self._bed.reader.attributes(file_id)).description
        except FileUnknown:
            value = None
        if self.may_read:
            self._history.acts[file_id].append(Act(start, next(self._history.clock), value, is_read=True))

    async def _checkpoint(self, _: UUID) -> None:
        with suppress(ArtStoreError):
            await self._bed.checkpoint()

    async def _create(self, file_id: UUID) -> None:
        value = f"made {next(self._history.clock)}"
        upload = Upload(file_id, UploadAttributes(name="x", description=value), "tester", TESTER)
        await self._write(file_id, value, self._bed.writer.create(upload, Body.of(value.encode())), creates=True)

    async def _change(self, file_id: UUID) -> None:
        value = f"changed {next(self._history.clock)}"
        changes = AttributeChanges(description=value)
        await self._write(file_id, value, self._bed.writer.change(file_id, changes, None, ASKER))

    async def _remove(self, file_id: UUID) -> None:
        await self._write(file_id, None, self._bed.writer.remove(file_id, None, ASKER))

    async def _write(self, file_id: UUID, value: str | None, work: object, *, creates: bool = False) -> None:
        start = next(self._history.clock)
        end: float = math.inf
        try:
            done = await work  # type: ignore[misc]
        except ArtStoreError as error:
            if not isinstance(error, StorageFault) and error.status not in IN_DOUBT:
                return
        else:
            end = next(self._history.clock)
            file = done[0] if isinstance(done, tuple) else done
            if isinstance(file, FileAttributes):
                self._history.answered.append((start, int(end), file.element.lsn))
                self._history.stored.append((file_id, file.element.lsn))
            elif value is None:
                self._history.removed[file_id] += 1
        self._history.acts[file_id].append(Act(start, end, value, creates=creates))


def run(order: Order) -> Outcome:
    """One history for each seed."""
    outcome = Outcome()
    only = order.only.split("/")[1:]
    seeds = [int(only[0])] if only else range(LONG_HISTORIES if order.long else NORMAL_HISTORIES)
    for seed in seeds:
        if order.mine(seed):
            outcome.counts["histories"] += 1
            outcome.found(f"history/{seed}", _history(order.seed * 100_000 + seed))
    say(f"histories: {outcome.counts['histories']:,}")
    return outcome


def _history(seed: int) -> list[Wrong]:
    with place() as directory, chance(seed):
        history = History(seed)
        try:
            run_seeded(seed, lambda: _masters(directory / "e", history, random.Random(seed)), stalls=0.1)
        except Exception as error:  # noqa: BLE001 (whatever came out is no answer)
            return [Wrong(LOST, f"ended with {error!r}")]
        return history.judge() + history.judge_told(directory / "e")


async def _masters(root: Path, history: History, chosen: random.Random) -> None:
    """Each takes over while callers of the one before are still at work."""
    history.acts = {new_file_id(BEGINNING_MS + number): [] for number in range(FILES)}
    async with AsyncExitStack() as stack:
        work: list[asyncio.Task[None]] = []
        callers: list[Caller] = []
        for _ in range(MASTERS):
            for caller in callers:
                caller.may_read = False
            history.spools.append(Told())
            bed = await stack.enter_async_context(open_bed(root, Ledger(), spool=history.spools[-1]))
            callers = [Caller(history, bed, random.Random(chosen.random())) for _ in range(CALLERS)]
            work += [asyncio.create_task(caller.run(STEPS)) for caller in callers]
            for _ in range(chosen.randrange(60)):
                await asyncio.sleep(0)
            if chosen.random() < 0.3:
                await bed.checkpoint()
        await asyncio.gather(*work)
        for file_id in history.acts:
            await callers[0].read(file_id)
