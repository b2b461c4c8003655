"""The power is cut between two verbs, on every side: what was acknowledged is there, the rest whole or not at all."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from power_cut import PowerCut, Supply
from scribe import Scribe, everything, next_content, next_revision
from sides import BucketSide, NewSide, Side

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.testing.documents import document

type State = tuple[FileAttributes, bytes]
LARGE = b"large" * 2000
VERBS = 47
"""More than a life takes."""


@dataclass
class Told:
    """What the caller was told, and what was begun and not answered."""

    sure: dict[UUID, State] = field(default_factory=dict)
    doubt: dict[UUID, State] | None = None

    async def doing(self, file_id: UUID, after: State | None, act: Awaitable[object]) -> None:
        """Acknowledged when `act` has ended."""
        self.doubt = {key: state for key, state in self.sure.items() if key != file_id}
        if after is not None:
            self.doubt[file_id] = after
        await act
        self.sure, self.doubt = self.doubt, None


async def life(scribe: Scribe, told: Told) -> None:
    """Every kind of record, and a checkpoint among them."""
    small, large, gone = document(content=b"small"), document(content=LARGE), document(content=b"gone")
    await told.doing(small.file_id, (small, b"small"), scribe.create(b"small", small))
    await told.doing(large.file_id, (large, LARGE), scribe.create_staged(LARGE, large))
    await told.doing(gone.file_id, (gone, b"gone"), scribe.create(b"gone", gone))
    await scribe.checkpoint()
    await told.doing(gone.file_id, None, scribe.remove(gone))
    fresh = next_revision(small, tags=["changed"])
    await told.doing(small.file_id, (fresh, b"small"), scribe.change_to(fresh))
    newer = next_content(large, b"replaced")
    await told.doing(large.file_id, (newer, b"replaced"), scribe.replace_by(newer, b"replaced"))
    newest = next_content(newer, LARGE[::-1])
    await told.doing(large.file_id, (newest, LARGE[::-1]), scribe.replace_by(newest, LARGE[::-1], staged=True))
    await scribe.checkpoint()


async def lived(side: Side, verbs: int) -> tuple[Told, bool]:
    """A life that ends after so many verbs; whether it came to its own end before."""
    told = Told()
    async with side.opened() as storage:
        try:
            await life(await Scribe.master(Supply(verbs).feeding(storage)), told)
        except PowerCut:
            return told, False
    return told, True


async def check(side: Side, told: Told) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        found = await everything(storage)
        assert found in [told.sure, told.doubt]
        assert await storage.files.clear_staging() == 0
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await everything(storage) == found


async def test_the_power_is_cut_between_two_verbs(new_side: NewSide) -> None:
    """Between any two where that is quick; between some of them where a store takes its time."""
    cuts = range(2, VERBS, 11 if isinstance(new_side(), BucketSide) else 1)
    ended = [await cut_at(new_side(), verbs) for verbs in cuts]
    assert ended[-1], "the last one was not cut"
    assert sum(ended) < len(ended) // 2


async def cut_at(side: Side, verbs: int) -> bool:
    told, ended = await lived(side, verbs)
    await check(side, told)
    return ended


async def test_recovery_is_cut_at_each_of_its_verbs(side: Side) -> None:
    told, _ = await lived(side, VERBS // 2)
    for verbs in range(3, 10, 3 if isinstance(side, BucketSide) else 1):
        async with side.opened() as storage:
            with pytest.raises(PowerCut):
                await Scribe.master(Supply(verbs).feeding(storage))
    await check(side, told)
