"""Lets each write-class call fail in each way that a disk knows; looks at the answer, and at what a restart finds."""

import asyncio
import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from told import Told

from artstore_kit.contracts.errors import ArtStoreError, StorageFault, StorageFull
from storage_element.domain import layout
from tests.durability.bed import Bed, open_bed
from tests.durability.calls import Call, Watcher
from tests.durability.ledger import Ledger
from tests.durability.operations import OPERATIONS, Operation, operation_named
from tests.durability.part import Order, Outcome, say
from tests.durability.recording import Base, base, record
from tests.durability.seeded_loop import run_seeded
from tests.durability.shelf import laid_out, read_tree
from tests.durability.told_verdict import judge_told
from tests.durability.verdict import HALF_VISIBLE, LOST, Wrong, judge, seen_by_the_command
from tests.durability.watch import watching

SHORT, ALL_LATER = "short", "on"
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EROFS": errno.EROFS, "EINTR": errno.EINTR}
LASTING = ("EIO", "ENOSPC", "EROFS")
"""These also last: every call after the first that fails does, too."""
PATIENCE_S = 10
"""Nobody waits for an answer so long in memory: it will never come."""
WRITES = frozenset({"write", "writev", "pwrite", "pwritev"})
SYNCS = frozenset({"fsync", "fdatasync", "syncfs"})


@dataclass
class Failing(Watcher):
    """Makes one call fail, or all from it on, once it is armed."""

    number: int
    how: str
    armed: bool = False
    failed: list[Call] = field(default_factory=list)

    def before(self, call: Call) -> int | None:
        """`OSError`, or half of a write."""
        name, _, lasting = self.how.partition("-")
        concerned = call.number == self.number or (bool(lasting) and call.number > self.number)
        if not self.armed or not concerned:
            return None
        self.failed.append(call)
        if name == SHORT:
            return max(call.size // 2, 1)
        raise OSError(ERRORS[name], os.strerror(ERRORS[name]), call.path)


def run(order: Order) -> Outcome:
    """Every call of every operation, in every way."""
    outcome = Outcome()
    only = order.only.split("/")[1:]
    for operation in [operation_named(only[0])] if only else OPERATIONS:
        before = base(operation.before, order.seed)
        for at, (number, how) in enumerate(_points(operation, before, order.seed)):
            if order.mine(at) and only[1:] in ([], [str(number), how]):
                outcome.counts["errors"] += 1
                wrong = _Case(operation, before, Failing(number, how), order.seed).wrong()
                outcome.found(f"error/{operation.name}/{number}/{how}", wrong)
        say(f"errors: {outcome.counts['errors']:,} ({operation.name})")
    return outcome


def _points(operation: Operation, before: Base, seed: int) -> Sequence[tuple[int, str]]:
    recording = record(operation, before, seed)
    points: list[tuple[int, str]] = []
    for number, call in enumerate(recording.calls[recording.began :], 1):
        ways = [*ERRORS, *(f"{name}-{ALL_LATER}" for name in LASTING)]
        points += [(number, how) for how in ([*ways, SHORT] if call.name in WRITES and call.size > 1 else ways)]
    return points


@dataclass
class _Case:
    operation: Operation
    start: Base
    failing: Failing
    seed: int
    found: list[Wrong] = field(default_factory=list)

    def wrong(self) -> list[Wrong]:
        """What was wrong with the answers, with what went on, and with what a restart found."""
        ledger, spool = Ledger(self.start.events), Told(lines=list(self.start.told))
        with laid_out(self.start.tree) as root:
            with watching(root, self.failing) as tape:
                self.failing.armed = self.operation.opens
                run_seeded(self.seed, lambda: self._work(root, ledger, spool, tape.restart))
            self._restart(root, ledger, Told(lines=spool.lines))
        return self.found

    async def _work(self, root: Path, ledger: Ledger, spool: Told, restart_count: object) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S), open_bed(root, ledger, dict(self.start.files), spool) as bed:
                if not self.failing.armed:
                    assert callable(restart_count)
                    restart_count()
                    self.failing.armed = True
                await self._act(bed, root)
                await self._go_on(bed)
        except Exception as error:  # noqa: BLE001 (whatever came out is no answer)
            if not self.operation.opens:
                self.found.append(Wrong(LOST, f"ended with {error!r}"))
        finally:
            self.failing.armed = False

    async def _act(self, bed: Bed, root: Path) -> None:
        """Only these answers tell a caller the truth."""
        before_lsn = bed.core.storage.journal.durable_lsn
        try:
            await self.operation.act(bed)
        except StorageFull:
            self._is_full(bed, root)
        except StorageFault:
            self._is_fault(bed.core.storage.journal.durable_lsn > before_lsn)
        except OSError:
            if not self._is_care:
                raise

    def _is_full(self, bed: Bed, root: Path) -> None:
        """Nothing is left behind, unless others are at work or the disk keeps us from removing it."""
        below = f"{layout.STAGING}/{bed.core.storage.journal.epoch}/"
        left = [path for path in read_tree(root) if path.startswith(below)]
        if left and not self.failing.how.endswith(ALL_LATER) and self.operation.alone:
            self.found.append(Wrong(HALF_VISIBLE, f"the disk was full, and {left} is left"))
        if not self.failing.how.startswith("ENOSPC"):
            self.found.append(Wrong(LOST, "there was room"))

    def _is_fault(self, is_committed: bool) -> None:
        """A disk without room for what is being received is no fault."""
        path = self.failing.failed[0].path
        receiving = path.startswith(f"{layout.STAGING}/") and ".wal" not in path
        if self.failing.how == "ENOSPC" and receiving and not is_committed and self.operation.alone:
            self.found.append(Wrong(LOST, f"a full disk is told as a fault ({self.failing.failed[0]})"))

    async def _go_on(self, bed: Bed) -> None:
        """What is there can be read. After a failed sync nothing is acknowledged any more."""
        await bed.read("large")
        synced = any(call.name in SYNCS for call in self.failing.failed)
        acknowledged = False
        with suppress(ArtStoreError):
            await bed.create("after the error")
            acknowledged = True
        if synced and acknowledged and self.failing.how != SHORT and not self._may_go_on():
            self.found.append(Wrong(LOST, f"a sync failed ({self.failing.failed[0]}), and a later one was believed"))

    def _may_go_on(self) -> bool:
        """What was being made anew was thrown away, or was about damage: nobody was told of it."""
        return self.failing.how.startswith("ENOSPC") or self.operation.name == "quarantine"

    @property
    def _is_care(self) -> bool:
        """Whether it answers nobody: a worker counts and logs what went wrong."""
        return "checkpoint" in self.operation.name or self.operation.name == "quarantine"

    def _restart(self, root: Path, ledger: Ledger, spool: Told) -> None:
        async def work() -> None:
            async with open_bed(root, ledger, spool=spool) as bed:
                self._judge(root, ledger, spool)
                self.found.extend(seen_by_the_command(root))
                await bed.create("afterwards")
            self._judge(root, ledger, spool)

        try:
            run_seeded(self.seed, work, longest_wait=0)
        except Exception as error:  # noqa: BLE001 (whatever keeps an element from starting is a promise not kept)
            self.found.append(Wrong(LOST, f"not recovered: {error!r}"))

    def _judge(self, root: Path, ledger: Ledger, spool: Told) -> None:
        tree = read_tree(root)
        self.found.extend(judge(tree, ledger.so_far()))
        self.found.extend(judge_told(ledger.events, tree, spool.lines, self.start.maybe_told))
