"""Kills an element whose files lie in a bucket, before and after each request that writes; lets such requests fail; and
starts it anew. On a real store."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import s3_servers
from told import Told

from artstore_kit.contracts.errors import StorageUnavailable
from storage_element.adapters.s3 import attempts
from storage_element.services import place
from tests.durability.bed import Bed
from tests.durability.bucket_wire import AWAY, FAULTS, KILLS
from tests.durability.ledger import Ledger
from tests.durability.operations import OPERATIONS, Operation, operation_named
from tests.durability.part import Order, Outcome, say
from tests.durability.shelf import laid_out
from tests.durability.shelf_in_bucket import Start, Store, parted
from tests.durability.told_verdict import judge_told
from tests.durability.verdict import LOST, Wrong, judge, seen_by_the_command

SAMPLED = 4
"""Of so many points one is tried, unless time does not matter."""
PATIENCE_S = 20


def run(order: Order) -> Outcome:
    """Every write of every operation."""
    attempts.FIRST_PAUSE_S, place.PLACE_AGAIN_AFTER_S = 0.01, 0.05
    with s3_servers.seaweed() as url:
        return asyncio.run(_run(order, url))


async def _run(order: Order, url: str) -> Outcome:
    outcome = Outcome()
    only = order.only.split("/")[1:]
    async with Store.opened(url) as store:
        starts = await store.starts()
        for operation in [operation_named(only[0])] if only else OPERATIONS:
            if operation.before not in starts:
                continue
            start = starts[operation.before]
            for at, (number, how) in enumerate(await _points(store, operation, start, order)):
                if order.mine(at) and only[1:] in ([], [str(number), how]):
                    outcome.counts["kill_points" if how in KILLS else "errors"] += 1
                    case = _Case(store, operation, start, number, how)
                    outcome.found(f"bucket/{operation.name}/{number}/{how}", await case.wrong())
            say(f"bucket: {outcome.counts.total():,} points ({operation.name})")
    return outcome


async def _points(store: Store, operation: Operation, start: Start, order: Order) -> Sequence[tuple[int, str]]:
    case = _Case(store, operation, start)
    wrong = await case.wrong()
    assert not wrong, f"{operation.name} fails by itself: {wrong}"
    points = [(number, how) for number in range(1, case.writes + 1) for how in (*KILLS, *FAULTS)]
    if order.long or order.only:
        return points
    chosen = random.Random(f"{order.seed} {operation.name}")
    return [point for point in points if not chosen.randrange(SAMPLED)]


@dataclass
class _Case:
    """An operation, with a wire that breaks at one of its writes; without a number it does not."""

    store: Store
    operation: Operation
    start: Start
    number: int = 0
    how: str = ""
    writes: int = 0
    found: list[Wrong] = field(default_factory=list)

    async def wrong(self) -> list[Wrong]:
        """What was wrong with the answers, with what went on, and with what a restart found."""
        prefix = await self.store.copy(self.start.prefix)
        ledger, spool = Ledger(self.start.events), Told(lines=list(self.start.told))
        told: list[tuple[int, int]] = []
        wire = self.store.wire
        wire.prepare(self.number, self.how, lambda: told.append((len(ledger.events), len(spool.lines))))
        wire.armed = self.operation.opens
        work = asyncio.create_task(self._work(prefix, ledger, spool))
        death = asyncio.create_task(wire.died.wait())
        await asyncio.wait({work, death}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        self.writes = wire.writes
        if not work.done() and not told:
            self.found.append(Wrong(LOST, "came to no end"))
        death.cancel()
        work.cancel()
        if (await asyncio.wait({work}, timeout=PATIENCE_S))[1]:
            self.found.append(Wrong(LOST, "somebody is never told what became of a request"))
        elif not told and not work.cancelled() and (error := work.exception()):
            self.found.append(Wrong(LOST, f"ended with {error!r}"))
        events, lines = told[0] if told else (None, None)
        await self._restart(prefix, Ledger(ledger.events[:events]), Told(lines=spool.lines[:lines]))
        return self.found

    async def _work(self, prefix: str, ledger: Ledger, spool: Told) -> None:
        wire = self.store.wire
        try:
            async with self.store.wired_bed(prefix, ledger, spool, self.start.files) as bed:
                wire.armed = True
                await self._act(bed)
                wire.heal()
                await self._go_on(bed)
        except StorageUnavailable:
            if not (self.operation.opens and self.how == AWAY):
                raise

    async def _act(self, bed: Bed) -> None:
        """Only these answers tell a caller the truth."""
        try:
            await self.operation.act(bed)
        except StorageUnavailable:
            if self.how != AWAY:
                raise

    async def _go_on(self, bed: Bed) -> None:
        """What is there can be read, and more be written."""
        await bed.read("large") if "large" in bed.files else None
        async with asyncio.timeout(PATIENCE_S / 2):
            while True:
                try:
                    await bed.create("after the error")
                except StorageUnavailable:
                    await asyncio.sleep(0.02)
                else:
                    return

    async def _restart(self, prefix: str, ledger: Ledger, spool: Told) -> None:
        try:
            async with self.store.bed(prefix, ledger, spool) as bed:
                self.found += await self._judged(prefix, ledger, spool)
                if bed.core.storage.journal.durable_lsn < ledger.last_lsn():
                    self.found.append(Wrong(LOST, "an LSN that was answered is given again"))
                await bed.create("afterwards")
            self.found += await self._judged(prefix, ledger, spool)
        except Exception as error:  # noqa: BLE001 (whatever keeps an element from starting is a promise not kept)
            self.found.append(Wrong(LOST, f"not recovered: {error!r}"))

    async def _judged(self, prefix: str, ledger: Ledger, spool: Told) -> list[Wrong]:
        tree, uploads = parted(await self.store.tree(prefix))
        with laid_out(tree) as root:
            wrong = judge(tree, ledger.so_far(), uploads) + seen_by_the_command(root)
        return wrong + judge_told(ledger.events, tree, spool.lines)
