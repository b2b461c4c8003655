"""What is promised of the superblock, on every side."""

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
