"""What is promised of the superblock, on every side."""

import asyncio

import pytest
from running_element import ELEMENT_ID
from sides import Side

from artstore_kit.contracts.modes import Mode
from storage_element.domain.storage import WrongElement


async def test_an_element_is_made_once(side: Side) -> None:
    async with side.opened() as storage:
        await storage.superblocks.open(ELEMENT_ID, Mode.RW)
        made = storage.superblocks.current
        assert (made.element_id, made.mode, made.epoch, made.checkpoint_lsn) == (ELEMENT_ID, Mode.RW, 0, 0)
    async with side.opened() as storage:
        await storage.superblocks.open(ELEMENT_ID, Mode.EDIT)
        assert storage.superblocks.current == made


async def test_another_element_is_refused(side: Side) -> None:
    async with side.opened() as storage:
        await storage.superblocks.open(ELEMENT_ID, Mode.EDIT)
    async with side.opened() as storage:
        with pytest.raises(WrongElement, match=ELEMENT_ID):
            await storage.superblocks.open("another", Mode.EDIT)


async def test_what_is_noted_lasts(side: Side) -> None:
    for epoch in (1, 2, 3):
        async with side.opened() as storage:
            await storage.superblocks.open(ELEMENT_ID, Mode.EDIT)
            assert storage.superblocks.current.checkpoint_lsn == (epoch - 1) * 17
            assert await storage.superblocks.take_over() == epoch
            await storage.superblocks.note_checkpoint(epoch * 17)
            assert storage.superblocks.current.epoch == epoch


async def test_the_mode_changes_for_good_beside_checkpoints(side: Side) -> None:
    """Whatever is noted at the same time: neither takes the other back."""
    async with side.opened() as storage:
        await storage.superblocks.open(ELEMENT_ID, Mode.RW)
        await storage.superblocks.take_over()
        notes = (storage.superblocks.note_checkpoint(17) for _ in range(3))
        await asyncio.gather(*notes, storage.superblocks.change_mode(Mode.RO))
        assert (storage.superblocks.current.mode, storage.superblocks.current.checkpoint_lsn) == (Mode.RO, 17)
    async with side.opened() as storage:
        await storage.superblocks.open(ELEMENT_ID, Mode.RW)
        assert (storage.superblocks.current.mode, storage.superblocks.current.checkpoint_lsn) == (Mode.RO, 17)
