"""A master that does not know that it is none any more: nothing it does is acknowledged or harms what is newer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from running_element import ELEMENT_ID
from scribe import Scribe, everything, next_revision, shown
from sides import Side

from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from storage_element.domain.records import Kind, Record
from storage_element.domain.storage import Fenced, Storage


@asynccontextmanager
async def taken_over(side: Side) -> AsyncIterator[tuple[Scribe, Scribe]]:
    """A stale master, which has stored a file, and the one that took over from it."""
    async with side.opened() as first, side.opened() as second:
        stale = await Scribe.master(first)
        await stale.create(b"before")
        yield stale, await Scribe.master(second)


async def test_a_stale_master_appends_nothing(side: Side) -> None:
    async with taken_over(side) as (stale, master):
        before = await everything(master.storage)
        late = stale.record(Kind.CREATE_INLINE, document(content=b"late"), b"late")
        with pytest.raises(Fenced):
            await stale.storage.journal.append([late])
        assert late.lsn == master.storage.journal.next_lsn, "they give the same LSN"
        after = await master.create(b"after")
        assert await everything(master.storage) == {**before, **shown([(after, b"after")])}
    async with side.opened() as third:
        await Scribe.master(third)
        assert await everything(third) == {**before, **shown([(after, b"after")])}


async def test_a_stale_master_takes_no_record_from_the_new_one(side: Side) -> None:
    """Both write the same LSN, the new master first; it dies before its record is in place."""
    async with taken_over(side) as (stale, master):
        before = await everything(master.storage)
        file = document(content=b"acknowledged")
        record = master.record(Kind.CREATE_INLINE, file, b"acknowledged")
        late = stale.record(Kind.CREATE_INLINE, document(content=b"late"), b"late")
        assert late.lsn == record.lsn
        await master.storage.journal.append([record])
        with pytest.raises(Fenced):
            await stale.storage.journal.append([late])
    async with side.opened() as third:
        await Scribe.master(third)
        assert await everything(third) == {**before, **shown([(file, b"acknowledged")])}


async def test_what_was_appended_before_is_the_new_masters(side: Side) -> None:
    """It was paused between the journal and the placing, and goes on when the new one is long at work."""
    async with side.opened() as first, side.opened() as second:
        stale = await Scribe.master(first)
        file = await stale.create(b"one")
        fresh = next_revision(file, tags=["two"])
        record = stale.record(Kind.CHANGE, fresh)
        await first.journal.append([record])
        master = await Scribe.master(second)
        assert await everything(second) == shown([(fresh, b"one")])
        newest = await master.replace(await master.change(fresh, tags=["three"]), b"two")
        await placed_late(stale, *stale.written, record)
        assert await everything(second) == shown([(newest, b"two")])
        await master.remove(newest)
        with pytest.raises(Fenced):
            await first.superblocks.note_checkpoint(record.lsn)


async def placed_late(stale: Scribe, *records: Record) -> None:
    """Refused, or without effect."""
    with suppress(Fenced):
        await stale.storage.files.place(records)


async def test_a_stale_master_harms_no_later_file_of_the_same_id(side: Side) -> None:
    async with side.opened() as first, side.opened() as second:
        stale = await Scribe.master(first)
        file = await stale.create(b"first life")
        removal = stale.record(Kind.REMOVE, file.model_copy())
        await first.journal.append([removal])
        master = await Scribe.master(second)
        again = document(content=b"second life", file_id=file.file_id)
        await master.create(b"second life", again)
        await placed_late(stale, *stale.written)
        await placed_late(stale, removal)
        assert await everything(second) == shown([(again, b"second life")])


async def test_of_two_who_take_over_one_is_the_master(side: Side) -> None:
    async with side.opened() as first, side.opened() as second:
        for each in (first, second):
            await each.superblocks.open(ELEMENT_ID, Mode.EDIT)
        taking = [each.superblocks.take_over() for each in (first, second)]
        outcomes = await asyncio.gather(*taking, return_exceptions=True)
        assert all(isinstance(each, int | Fenced) for each in outcomes)
        masters = [
            (each, epoch) for each, epoch in zip((first, second), outcomes, strict=True) if isinstance(epoch, int)
        ]
        writing = [_begins_to_write(each, epoch) for each, epoch in masters]
        results = await asyncio.gather(*writing, return_exceptions=True)
        assert [each for each in results if not isinstance(each, Fenced)] == [None]


async def _begins_to_write(storage: Storage, epoch: int) -> None:
    await storage.journal.start(1, epoch)
    await storage.journal.append([Scribe(storage).record(Kind.CREATE_INLINE, document(), b"")])


async def test_recovery_of_a_stale_master_removes_nothing_of_the_new_one(side: Side) -> None:
    """Paused in the middle of its recovery, it goes on when the next one has recovered, and acknowledged more."""
    async with side.opened() as store:
        await (await Scribe.master(store)).create(b"before")
    async with side.opened() as first, side.opened() as second:
        await first.superblocks.open(ELEMENT_ID, Mode.EDIT)
        epoch = await first.superblocks.take_over()
        records = [record async for batch in first.journal.read() for record in batch]
        master = await Scribe.master(second)
        await master.create(b"after")
        staged = document(content=b"staged")
        name = await master.staged(b"staged", staged)
        await placed_late(Scribe(first), *records)
        for late in (
            lambda: first.superblocks.note_checkpoint(records[-1].lsn),
            first.files.clear_staging,
        ):
            with pytest.raises(Fenced):
                await late()
        with suppress(Fenced):
            await first.journal.drop(await first.journal.segments())
        assert epoch < second.journal.epoch
        await master.commit(Kind.CREATE_STAGED, staged, staging=name)
        before = await everything(second)
    async with side.opened() as third:
        await Scribe.master(third)
        assert await everything(third) == before
        assert len(before) == 3
