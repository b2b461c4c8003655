"""Cuts the power at every moment of every operation, in every way that `power` knows, and recovers what is left."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from told import Told

from storage_element.domain import layout
from tests.durability.bed import open_bed
from tests.durability.ledger import Ledger
from tests.durability.operations import OPERATIONS, REPLAY, Operation, operation_named
from tests.durability.part import Order, Outcome, say
from tests.durability.power import CrashState, Effort, Fate, Platter, crash_states
from tests.durability.recording import Base, Recording, base, record
from tests.durability.seeded_loop import run_seeded
from tests.durability.shelf import Shelf, place
from tests.durability.told_verdict import judge_told
from tests.durability.verdict import HALF_VISIBLE, LOST, Wrong, judge, seen_by_the_command
from tests.durability.world import Tree

NORMAL = Effort(exhaustive_up_to=12, samples=6, tears=2, plain=4)
ERRAND = Effort(exhaustive_up_to=8, samples=6, tears=2, plain=4)
"""Rather more of them than more of each."""
LONG = Effort(exhaustive_up_to=12, samples=30, tears=6, plain=30)
AGAIN = Effort(exhaustive_up_to=3, samples=2, tears=1, plain=1)
NORMAL_STATES, LONG_STATES = 22_000, 1_000_000
THOROUGHLY_EVERY = 16
"""So many states apart one is recovered twice, looked at by the command, and worked with."""
AGAIN_EVERY = 400
"""So many states apart the power is cut again, during the recovery."""
BATCH = 200


@dataclass(frozen=True)
class Trail:
    """The way to a state: the operation, and for each power cut its moment and what it made of what was pending."""

    operation: str
    cuts: tuple[tuple[int, Fate], ...] = ()

    def cut(self, state: CrashState) -> "Trail":
        """One power cut further."""
        return Trail(self.operation, (*self.cuts, (state.at, state.fate)))

    def __str__(self) -> str:
        return "/".join(["power", self.operation, *(f"{at}/{','.join(fate)}" for at, fate in self.cuts)])

    @classmethod
    def parse(cls, text: str) -> "Trail":
        """What `str` gave."""
        operation, *rest = text.split("/")[1:] or [""]
        return cls(
            operation,
            tuple((int(at), tuple(fate.split(",")) if fate else ()) for at, fate in itertools.batched(rest, 2)),
        )


def run(order: Order) -> Outcome:
    """All operations one by one, then errands of several callers, until there were enough states."""
    trail = Trail.parse(order.only)
    if trail.cuts:
        return _only(trail, order.seed)
    sweep = _Sweep(order)
    if trail.operation:
        sweep.operation(operation_named(trail.operation))
        return sweep.outcome
    wanted = (LONG_STATES if order.long else NORMAL_STATES) / order.shares
    for number in itertools.count():
        if number >= len(OPERATIONS) and sweep.outcome.counts["crash_states"] >= wanted:
            return sweep.outcome
        if order.mine(number):
            operation = (
                OPERATIONS[number] if number < len(OPERATIONS) else operation_named(f"errand {order.seed}.{number}")
            )
            sweep.operation(operation)
            say(f"power cuts: {sweep.outcome.counts['crash_states']:,} states ({operation.name})")
    raise AssertionError


def _only(trail: Trail, seed: int) -> Outcome:
    """The one state to which `trail` leads."""
    recording = _recorded(operation_named(trail.operation), seed)
    outcome = Outcome()
    for at, fate in trail.cuts:
        platter = Platter(recording.before.copy())
        for call in recording.calls[:at]:
            say(f"    {call}")
            platter.take(call)
        for change, how in zip(platter.pending, fate, strict=True):
            say(f"  {how} {change!r:.160}")
        state = CrashState(at, fate, platter.after(fate).tree())
        outcome.found(str(trail), _judged([state], recording, seed, thoroughly=True)[0])
        recording = _again(state, recording, seed)
    outcome.counts["crash_states"] = 1
    return outcome


def _recorded(operation: Operation, seed: int) -> Recording:
    return record(operation, base(operation.before, seed), seed)


def _again(state: CrashState, recording: Recording, seed: int) -> Recording:
    """The recovery of `state`."""
    known = recording.notes[state.at]
    told = recording.told_after(state.at)
    return record(REPLAY, Base(state.tree, recording.ledger.events[: known.events], {}, *told), seed)


class _Sweep:
    def __init__(self, order: Order) -> None:
        self._order = order
        self.outcome = Outcome()

    def operation(self, operation: Operation) -> None:
        recording = _recorded(operation, self._order.seed)
        self.outcome.found(f"power/{operation.name}", [Wrong(HALF_VISIBLE, each) for each in recording.too_early])
        effort = LONG if self._order.long else NORMAL if operation in OPERATIONS else ERRAND
        self._states(Trail(operation.name), recording, effort)

    def _states(self, trail: Trail, recording: Recording, effort: Effort) -> None:
        seed = self._order.seed
        for batch in itertools.batched(_distinct(recording, effort, seed), BATCH):
            for state, wrong in zip(batch, _judged(batch, recording, seed), strict=True):
                self.outcome.counts["crash_states"] += 1
                self.outcome.found(str(trail.cut(state)), wrong)
                if not trail.cuts and not wrong and self.outcome.counts["crash_states"] % AGAIN_EVERY == 0:
                    self._states(trail.cut(state), _again(state, recording, seed), AGAIN)


def _distinct(recording: Recording, effort: Effort, seed: int) -> Iterator[CrashState]:
    """States that differ in what lies there or in what was promised, from the operation's first call on."""
    seen: set[int] = set()
    for state in crash_states(recording.before, recording.calls, effort, seed):
        if state.at >= recording.began:
            key = hash((frozenset(state.tree.items()), recording.notes[state.at]))
            if key not in seen:
                seen.add(key)
                yield state


def _judged(
    states: Sequence[CrashState], recording: Recording, seed: int, *, thoroughly: bool = False
) -> list[list[Wrong]]:
    """What is wrong with each after its recovery."""

    async def work(shelf: Shelf) -> list[list[Wrong]]:
        return [
            await _recover(shelf, state, recording, thoroughly=thoroughly or number % THOROUGHLY_EVERY == 0)
            for number, state in enumerate(states)
        ]

    with place() as directory:
        return run_seeded(seed, lambda: work(Shelf(directory / "e")), longest_wait=0)


async def _recover(shelf: Shelf, state: CrashState, recording: Recording, *, thoroughly: bool) -> list[Wrong]:
    known = recording.notes[state.at]
    ledger, spool = Ledger(recording.ledger.events[: known.events]), Told()
    shelf.lay(state.tree)
    try:
        async with open_bed(shelf.root, ledger, spool=spool) as bed:
            durable_lsn = bed.core.storage.journal.durable_lsn
    except Exception as error:  # noqa: BLE001 (whatever keeps an element from starting is a promise not kept)
        shelf.look()
        return [Wrong(LOST, f"not recovered: {error!r}")]
    wrong = judge(shelf.look(), ledger.so_far())
    certain, possible = recording.told_after(state.at)
    wrong += judge_told(ledger.events, shelf.tree, [*certain, *spool.lines], possible)
    if durable_lsn < max(known.heard_lsn, ledger.last_lsn()):
        wrong.append(Wrong(LOST, f"goes on after LSN {durable_lsn}, and somebody has heard of a later one"))
    return [*wrong, *(await _worked_with(shelf, ledger) if thoroughly else [])]


async def _worked_with(shelf: Shelf, ledger: Ledger) -> list[Wrong]:
    """It is sound, a second recovery changes no document, and it takes new ones."""
    wrong = seen_by_the_command(shelf.root)
    before = _files(shelf.tree)
    async with open_bed(shelf.root, ledger) as bed:
        if _files(shelf.look()) != before:
            wrong.append(Wrong(LOST, "a second recovery changed documents"))
        await bed.create("afterwards")
    async with open_bed(shelf.root, ledger):
        pass
    return [*wrong, *judge(shelf.look(), ledger.so_far())]


def _files(tree: Tree) -> dict[str, bytes | None]:
    return {path: content for path, content in tree.items() if path.startswith(f"{layout.FILES}/")}
