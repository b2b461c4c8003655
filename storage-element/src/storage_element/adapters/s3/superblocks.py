"""element.json in a bucket: replaced if it is still the one that was read, and so the judge of who is the master."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import ValidationError

from artstore_kit.contracts.modes import Mode
from storage_element.adapters.s3.attempts import Taken
from storage_element.adapters.s3.bucket import Bucket, Object
from storage_element.domain import layout
from storage_element.domain.storage import Fenced, WrongElement
from storage_element.domain.superblock import Superblock


class S3Superblocks:
    """The superblock of the element below a prefix, and the name of this process as its master."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._master = uuid4().hex
        self._current: Superblock | None = None
        self._etag = ""
        self.epoch = 0
        """Of this process as the master; 0 before it takes over."""
        self._one = asyncio.Lock()

    @property
    def current(self) -> Superblock:
        """What the element is now."""
        assert self._current is not None, "open() comes first"
        return self._current

    async def open(self, element_id: str, mode: Mode) -> None:
        """Read the superblock, or make the element where there is nothing yet."""
        there = await self._bucket.find(layout.SUPERBLOCK) or await self._make(element_id, mode)
        self._take(there)
        if self.current.element_id != element_id:
            raise WrongElement(f"the bucket holds the element {self.current.element_id}, not {element_id}")

    async def refresh(self) -> None:
        """Read it again, as one who is not the master; `Absent` when there is none."""
        self._take(await self._bucket.get(layout.SUPERBLOCK))

    async def take_over(self) -> int:
        """Raise the epoch: whoever wrote before is fenced off. The new epoch; `Fenced` when another was quicker."""
        await self._replace(epoch=self.current.epoch + 1, master=self._master)
        self.epoch = self.current.epoch
        return self.epoch

    async def note_checkpoint(self, lsn: int) -> None:
        """All records up to `lsn` are in place; `Fenced`."""
        await self._note(checkpoint_lsn=lsn, checkpoint_epoch=self.current.epoch)

    async def change_mode(self, mode: Mode) -> None:
        """Be of another mode; `Fenced`."""
        await self._note(mode=mode)

    async def confirm(self) -> None:
        """Raise `Fenced` when another node has taken over. If not, what is in the bucket was so before anybody does.

        By what is written there: two who raise the same epoch at one time write different names.
        """
        self._must_be_ours(await self._bucket.get(layout.SUPERBLOCK))

    async def reach(self) -> None:
        """Return when the bucket answers; `StorageUnavailable`."""
        await self._bucket.reach(layout.SUPERBLOCK)

    async def _make(self, element_id: str, mode: Mode) -> Object:
        for below in (layout.FILES, layout.JOURNAL):
            if await self._bucket.holds(f"{below}/"):
                raise WrongElement(f"the bucket holds {below}/ but no {layout.SUPERBLOCK}; restore it from a copy")
        block = Superblock(element_id=element_id, mode=mode, created_at=datetime.now(UTC))
        with suppress(Taken):  # another node was quicker
            await self._bucket.put(layout.SUPERBLOCK, block.to_json())
        return await self._bucket.get(layout.SUPERBLOCK)

    async def _note(self, **fields: int | str) -> None:
        """One after the other: each begins from what the one before has written."""
        async with self._one:
            try:
                await self._replace(**fields)
            except Fenced:  # or an earlier attempt whose outcome was not known was carried out
                there = await self._bucket.get(layout.SUPERBLOCK)
                self._must_be_ours(there)
                self._take(there)
                await self._replace(**fields)

    async def _replace(self, **fields: int | str) -> None:
        fresh = self.current.model_copy(update=fields)
        try:
            self._etag = await self._bucket.put(layout.SUPERBLOCK, fresh.to_json(), replacing=self._etag)
        except Taken:
            raise Fenced("another node has taken the element over") from None
        self._current = fresh

    def _must_be_ours(self, there: Object) -> None:
        block = _parsed(there)
        if (block.epoch, _master(block)) != (self.current.epoch, self._master):
            raise Fenced(f"epoch {self.current.epoch} is over: another node has taken the element over")

    def _take(self, there: Object) -> None:
        self._current, self._etag = _parsed(there), there.etag


def _parsed(there: Object) -> Superblock:
    try:
        return Superblock.model_validate_json(there.body)
    except ValidationError as error:
        raise WrongElement(f"{layout.SUPERBLOCK}: {error.errors()[0]['loc']} {error.errors()[0]['msg']}") from None


def _master(block: Superblock) -> str | None:
    return (block.model_extra or {}).get("master")
