"""Kills a real process before, after and in the middle of each write-class call, then starts the element anew."""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from told import Told

from tests.durability.bed import open_bed
from tests.durability.calls import Call, Watcher
from tests.durability.child import Ended, Pipe, in_child
from tests.durability.ledger import Ledger
from tests.durability.operations import OPERATIONS, Operation, operation_named
from tests.durability.part import Order, Outcome, say
from tests.durability.recording import Base, base
from tests.durability.seeded_loop import run_seeded
from tests.durability.shelf import laid_out, read_tree
from tests.durability.told_verdict import judge_told
from tests.durability.verdict import LOST, Wrong, judge, seen_by_the_command
from tests.durability.watch import watching

BEFORE, AFTER, HALF = "before", "after", "half"
NEVER = 0


@dataclass
class Killer(Watcher):
    """Ends the process at one call, once it is armed."""

    number: int
    when: str
    pipe: Pipe
    armed: bool = False

    def before(self, call: Call) -> int | None:
        """The end comes before it, or half of it is done."""
        if not self._is_the_one(call):
            return None
        if self.when == BEFORE:
            _end()
        return call.size // 2 if self.when == HALF else None

    def after(self, call: Call) -> None:
        """The end comes after it."""
        if self._is_the_one(call):
            _end()
        if self.armed:
            self.pipe.call(call)

    def _is_the_one(self, call: Call) -> bool:
        return self.armed and call.number == self.number


def _end() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def run(order: Order) -> Outcome:
    """Every call of every operation."""
    outcome = Outcome()
    operations = OPERATIONS
    only = order.only.split("/")[1:]
    if only:
        operations = [operation_named(only[0])]
    for operation in operations:
        before = base(operation.before, order.seed)
        for at, (number, when) in enumerate(_points(operation, before)):
            if order.mine(at) and only[1:] in ([], [str(number), when]):
                outcome.counts["kill_points"] += 1
                outcome.found(f"kill/{operation.name}/{number}/{when}", _killed(operation, before, number, when))
        say(f"kills: {outcome.counts['kill_points']:,} points ({operation.name})")
    return outcome


def _points(operation: Operation, before: Base) -> Iterator[tuple[int, str]]:
    with laid_out(before.tree) as root:
        ended = in_child(lambda pipe: _work(root, operation, before, NEVER, BEFORE, pipe))
    assert (ended.signal, ended.code) == (0, 0), f"{operation.name} fails by itself"
    for call in ended.calls:
        yield from ((call.number, when) for when in ((BEFORE, HALF, AFTER) if call.size > 1 else (BEFORE, AFTER)))


def _killed(operation: Operation, before: Base, number: int, when: str) -> list[Wrong]:
    with laid_out(before.tree) as root:
        ended = in_child(lambda pipe: _work(root, operation, before, number, when, pipe))
        if ended.signal != signal.SIGKILL and (ended.signal, ended.code) != (0, 0):
            return [Wrong(LOST, f"ended with {ended.signal}, {ended.code}")]
        return _started_anew(root, before, ended)


def _work(root: Path, operation: Operation, before: Base, number: int, when: str, pipe: Pipe) -> None:
    killer = Killer(number, when, pipe, armed=operation.opens)
    with watching(root, killer) as tape:

        async def work() -> None:
            ledger, spool = Ledger(before.events, pipe.event), Told(pipe.told)
            async with open_bed(root, ledger, dict(before.files), spool) as bed:
                if not killer.armed:
                    tape.restart()
                    killer.armed = True
                await operation.act(bed)
                killer.armed = False

        asyncio.run(work())


def _started_anew(root: Path, before: Base, ended: Ended) -> list[Wrong]:
    ledger, spool = Ledger([*before.events, *ended.events]), Told(lines=[*before.told, *ended.told])

    async def work() -> list[Wrong]:
        async with open_bed(root, ledger, spool=spool) as bed:
            tree = read_tree(root)
            wrong = [*judge(tree, ledger.so_far()), *seen_by_the_command(root)]
            wrong += judge_told(ledger.events, tree, spool.lines)
            if bed.core.storage.journal.durable_lsn < ledger.last_lsn():
                wrong.append(Wrong(LOST, "an LSN that was answered is given again"))
            await bed.create("afterwards")
        return wrong

    try:
        wrong = run_seeded(1, work, longest_wait=0)
        tree = read_tree(root)
        return [*wrong, *judge(tree, ledger.so_far()), *judge_told(ledger.events, tree, spool.lines)]
    except Exception as error:  # noqa: BLE001 (whatever keeps an element from starting is a promise not kept)
        return [Wrong(LOST, f"not recovered: {error!r}")]
