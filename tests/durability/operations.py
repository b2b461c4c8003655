"""The operations of an element, each one short function: whoever adds one to the element adds it here."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from artstore_kit.contracts.errors import AuditSpoolFull, UploadInProgress
from artstore_kit.contracts.modes import Mode
from tests.durability.bed import EXPIRED, HELD, LARGE, RETAINED, SMALL, Bed
from tests.durability.ledger import OF_THE_MODE, Version

type Act = Callable[[Bed], Awaitable[object]]


async def together(*work: Awaitable[object]) -> None:
    """Return when all of it has its answer; the first that failed is raised then."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def furnish(bed: Bed) -> None:
    """What lies on the element before: part of it synced, part of it only in the journal."""
    bed.ledger.note("done", OF_THE_MODE, Version("", 0, "edit"))
    for name in ("changed", "removed", "re-used"):
        await bed.create(name)
    await bed.create("large", LARGE)
    await bed.create("held", holds=HELD)
    await bed.create("expired", retention=EXPIRED)
    await bed.create("retained", retention=RETAINED)
    await bed.checkpoint()
    await bed.create("late", b"")
    await bed.create("late large", LARGE)
    await bed.change("changed", "changed once")
    await bed.replace("late large", LARGE[2:], "replaced before")
    await bed.remove("re-used")


async def create_small(bed: Bed) -> None:
    await bed.create("new")


async def create_large(bed: Bed) -> None:
    await bed.create("new large", LARGE)


async def create_many(bed: Bed) -> None:
    """They share one sync of the journal."""
    await together(*(bed.create(f"one of many {number}", SMALL * number) for number in range(3)))


async def fill_a_segment(bed: Bed) -> None:
    """What does not fit begins the next segment."""
    for number in range(2):
        await together(*(bed.create(f"filling {number}.{at}", b"x" * 2000) for at in range(3)))


async def change(bed: Bed) -> None:
    await bed.change("changed", "changed twice")


async def change_and_change(bed: Bed) -> None:
    for number in range(3):
        await bed.change("late large", f"changed {number}")


async def place_hold(bed: Bed) -> None:
    await bed.hold("changed", "case-2")


async def release_hold(bed: Bed) -> None:
    """One of two; the other keeps the file."""
    await bed.hold("held", "case-2")
    await bed.release("held", "case-1")


async def release_and_remove(bed: Bed) -> None:
    await bed.release("held", "case-1")
    await bed.remove("held")


async def destroy(bed: Bed) -> None:
    """Before its retention ends."""
    await bed.destroy("retained")


async def replace_small(bed: Bed) -> None:
    await bed.replace("changed", SMALL[1:], "replaced")


async def replace_large(bed: Bed) -> None:
    await bed.replace("changed", LARGE[1:], "replaced by something large")


async def replace_and_checkpoint(bed: Bed) -> None:
    """The old content goes."""
    await bed.replace("large", LARGE[1:], "replaced")
    await bed.replace("large", SMALL, "replaced twice")
    await bed.checkpoint()
    await bed.checkpoint()


async def begin_upload(bed: Bed) -> None:
    await bed.begin_upload("in parts", len(LARGE))


async def send_in_parts(bed: Bed) -> None:
    """Parts that end inside a block, one of them committed, one given up."""
    for name in ("in parts", "given up"):
        await bed.begin_upload(name, len(LARGE))
        await bed.append(name, LARGE, 0, 1000)
        await bed.append(name, LARGE, 1000, len(LARGE))
    await bed.commit_upload("in parts", LARGE)
    await bed.abort_upload("given up")


async def change_mode(bed: Bed) -> None:
    await bed.turn(Mode.RW)


async def change_mode_while_writing(bed: Bed) -> None:
    await together(bed.turn(Mode.RW), bed.create("at the turn", LARGE), bed.change("late", "at the turn"))


async def quarantine(bed: Bed) -> None:
    """A content is found damaged, and put aside."""
    await bed.verify("changed")


async def expire(bed: Bed) -> None:
    await bed.expire("expired")


async def remove_small(bed: Bed) -> None:
    await bed.remove("removed")


async def remove_large(bed: Bed) -> None:
    await bed.remove("late large")


async def checkpoint(bed: Bed) -> None:
    await bed.checkpoint()


async def checkpoint_while_writing(bed: Bed) -> None:
    await together(
        bed.checkpoint(), bed.create("meanwhile", LARGE), bed.change("late", "meanwhile"), bed.remove("removed")
    )


async def fill_segments_and_checkpoint(bed: Bed) -> None:
    """Several segments are dropped."""
    await fill_a_segment(bed)
    await bed.checkpoint()


async def checkpoint_at_any_moment(bed: Bed) -> None:
    """From what has just arrived to what is just being answered."""
    for turns in range(2, 26, 3):
        creating = asyncio.create_task(bed.create(f"late by {turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        try:
            await bed.checkpoint()
        finally:
            await creating


async def create_during_a_checkpoint(bed: Bed) -> None:
    """What comes into the next segment before this one's end is noted."""
    for turns in range(1, 26, 4):
        checkpointing = asyncio.create_task(bed.checkpoint())
        for _ in range(turns):
            await asyncio.sleep(0)
        try:
            await bed.create(f"begun after {turns}")
        finally:
            await checkpointing


async def checkpoint_while_the_spool_is_full(bed: Bed) -> None:
    """The audit log cannot be told for a while: the journal is kept, and tells it later."""
    spool = bed.core.spool
    for turns in range(2, 20, 6):
        creating = asyncio.create_task(bed.create(f"untold after {turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        spool.is_full = True
        try:
            with suppress(AuditSpoolFull):
                await bed.checkpoint()
        finally:
            await creating
            spool.is_full = False
        await bed.change("changed", f"told after {turns}")
    await bed.checkpoint()


async def create_and_remove(bed: Bed) -> None:
    """What was staged for it is gone when the journal is replayed."""
    await bed.create("short-lived", LARGE)
    await bed.remove("short-lived")
    await bed.replace("late large", LARGE[3:], "replaced again")
    await bed.replace("late large", LARGE[4:], "replaced once more")


async def replay(bed: Bed) -> None:
    """Opening was all."""


def errand(seed: str) -> Act:
    """Three callers, each with its own files, do what comes to their minds."""

    async def act(bed: Bed) -> None:
        await together(*(_run_errands(bed, random.Random(f"{seed} {caller}"), caller) for caller in range(3)))

    return act


async def _run_errands(bed: Bed, chosen: random.Random, caller: int) -> None:
    mine: list[str] = []
    for number in range(chosen.randrange(2, 7)):
        with suppress(UploadInProgress):  # a checkpoint of another caller removes replaced content at this moment
            await _run_errand(bed, chosen, mine, f"{caller}.{number}")


async def _run_errand(bed: Bed, chosen: random.Random, mine: list[str], name: str) -> None:
    match chosen.choice(("create", "create", "change", "replace", "remove", "checkpoint")):
        case "change" if mine:
            await bed.change(chosen.choice(mine), f"changed in {name}")
        case "replace" if mine:
            content = chosen.choice((SMALL, LARGE))
            await bed.replace(chosen.choice(mine), content + name.encode(), f"replaced in {name}")
        case "remove" if mine:
            await bed.remove(mine.pop(chosen.randrange(len(mine))))
        case "checkpoint":
            await bed.checkpoint()
        case _:
            mine.append(name)
            await bed.create(name, chosen.choice((b"", SMALL, SMALL, LARGE)))


class Before(Enum):
    """What an operation begins with: a furnished element that was killed, one that lost all it had not
    synced, one with a content that was harmed."""

    EMPTY = "empty"
    KILLED = "killed"
    CUT_OFF = "cut off"
    HARMED = "harmed"


@dataclass(frozen=True)
class Operation:
    """`before`: what lies there. `opens`: the recovery that comes first is part of it. `alone`: one caller."""

    name: str
    act: Act
    before: Before = Before.KILLED
    opens: bool = False

    @property
    def alone(self) -> bool:
        """Whether nobody else is at work meanwhile."""
        at_checkpoints = {
            fill_segments_and_checkpoint,
            checkpoint_at_any_moment,
            create_during_a_checkpoint,
            checkpoint_while_the_spool_is_full,
        }
        several = {create_many, fill_a_segment, checkpoint_while_writing, change_mode_while_writing, send_in_parts}
        return self.act not in at_checkpoints | several


REPLAY = Operation("replay", replay, opens=True)
OPERATIONS = [
    Operation("first start", replay, Before.EMPTY, opens=True),
    REPLAY,
    Operation("quarantine", quarantine, Before.HARMED),
    Operation("replay after a power cut", replay, Before.CUT_OFF, opens=True),
    *(
        Operation(act.__name__.replace("_", " "), act)
        for act in (
            create_small,
            create_large,
            create_many,
            fill_a_segment,
            change,
            change_and_change,
            place_hold,
            release_hold,
            release_and_remove,
            destroy,
            replace_small,
            replace_large,
            replace_and_checkpoint,
            change_mode,
            change_mode_while_writing,
            begin_upload,
            send_in_parts,
            expire,
            remove_small,
            remove_large,
            checkpoint,
            fill_segments_and_checkpoint,
            checkpoint_at_any_moment,
            create_during_a_checkpoint,
            checkpoint_while_the_spool_is_full,
            create_and_remove,
            checkpoint_while_writing,
        )
    ),
]


def operation_named(name: str) -> Operation:
    """That of the list, or an errand by its seed."""
    if name.startswith("errand "):
        return Operation(name, errand(name.removeprefix("errand ")))
    return next(operation for operation in OPERATIONS if operation.name == name)
