"""The operations of an element, each one short function: whoever adds one to the element adds it here."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from tests.durability.bed import HELD, LARGE, RETAINED, SMALL, Bed

type Act = Callable[[Bed], Awaitable[object]]


async def furnish(bed: Bed) -> None:
    """What lies on the element before: part of it synced, part of it only in the journal."""
    for name in ("changed", "removed", "re-used"):
        await bed.create(name)
    await bed.create("large", LARGE)
    await bed.create("held", holds=HELD)
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
    await asyncio.gather(*(bed.create(f"one of many {number}", SMALL * number) for number in range(3)))


async def fill_a_segment(bed: Bed) -> None:
    """What does not fit begins the next segment."""
    for number in range(3):
        await asyncio.gather(*(bed.create(f"filling {number}.{at}", b"x" * 2000) for at in range(6)))


async def change(bed: Bed) -> None:
    await bed.change("changed", "changed twice")


async def change_and_change(bed: Bed) -> None:
    for number in range(3):
        await bed.change("late large", f"changed {number}")


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


async def remove_small(bed: Bed) -> None:
    await bed.remove("removed")


async def remove_large(bed: Bed) -> None:
    await bed.remove("late large")


async def checkpoint(bed: Bed) -> None:
    await bed.checkpoint()


async def checkpoint_while_writing(bed: Bed) -> None:
    await asyncio.gather(
        bed.checkpoint(), bed.create("meanwhile", LARGE), bed.change("late", "meanwhile"), bed.remove("removed")
    )


async def replay(bed: Bed) -> None:
    """Opening was all."""


def errand(seed: str) -> Act:
    """Three callers, each with its own files, do what comes to their minds."""

    async def act(bed: Bed) -> None:
        await asyncio.gather(*(_run_errands(bed, random.Random(f"{seed} {caller}"), caller) for caller in range(3)))

    return act


async def _run_errands(bed: Bed, chosen: random.Random, caller: int) -> None:
    mine: list[str] = []
    for number in range(chosen.randrange(2, 7)):
        match chosen.choice(("create", "create", "change", "replace", "remove", "checkpoint")):
            case "change" if mine:
                await bed.change(chosen.choice(mine), f"changed in {number}")
            case "replace" if mine:
                await bed.replace(chosen.choice(mine), chosen.choice((SMALL, LARGE))[number:], f"replaced in {number}")
            case "remove" if mine:
                await bed.remove(mine.pop(chosen.randrange(len(mine))))
            case "checkpoint":
                await bed.checkpoint()
            case _:
                mine.append(f"{caller}.{number}")
                await bed.create(mine[-1], chosen.choice((b"", SMALL, SMALL, LARGE)))


class Before(Enum):
    """What an operation begins with: a furnished element that was killed, or one that lost all it had not synced."""

    EMPTY = "empty"
    KILLED = "killed"
    CUT_OFF = "cut off"


@dataclass(frozen=True)
class Operation:
    """`before`: what lies there. `opens`: the recovery that comes first is part of it."""

    name: str
    act: Act
    before: Before = Before.KILLED
    opens: bool = False


REPLAY = Operation("replay", replay, opens=True)
OPERATIONS = [
    Operation("first start", replay, Before.EMPTY, opens=True),
    REPLAY,
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
            replace_small,
            replace_large,
            replace_and_checkpoint,
            remove_small,
            remove_large,
            checkpoint,
            checkpoint_while_writing,
        )
    ),
]


def operation_named(name: str) -> Operation:
    """That of the list, or an errand by its seed."""
    if name.startswith("errand "):
        return Operation(name, errand(name.removeprefix("errand ")))
    return next(operation for operation in OPERATIONS if operation.name == name)
