"""The checkpoint: sync everything that the journal still covers, note it in the superblock, drop old segments."""

import asyncio
import time

from artstore_kit.contracts.errors import StorageFull
from storage_element import metrics
from storage_element.config import JournalSettings
from storage_element.domain.faults import is_out_of_room
from storage_element.domain.storage import Fenced, Files, Superblocks
from storage_element.services.commit import Committer
from storage_element.services.superseded import Superseded
from storage_element.services.tell import Teller


class Checkpoint:
    """One element's checkpoints, one at a time."""

    def __init__(
        self,
        committer: Committer,
        files: Files,
        superblocks: Superblocks,
        *,
        superseded: Superseded,
        teller: Teller,
        settings: JournalSettings,
    ) -> None:
        self._committer = committer
        self._files = files
        self._superblocks = superblocks
        self._superseded = superseded
        self._teller = teller
        self._settings = settings
        self._one = asyncio.Lock()
        self._ran_at = time.monotonic()

    async def run(self) -> None:
        """Return when all that was committed before is synced as plain files, and the audit spool has its entries.

        Commits go on meanwhile. `AuditSpoolFull`, `AuditSpoolFault`: the journal is kept, and nothing else is touched.
        """
        async with self._one:
            self._ran_at = time.monotonic()
            with metrics.CHECKPOINT_SECONDS.time():
                await self._run_unless_fenced()

    async def run_if_due(self) -> None:
        """Run when enough journal has been written since the last one, or when that is long enough ago."""
        late = time.monotonic() - self._ran_at >= self._settings.checkpoint_interval_s
        written_bytes = self._committer.written_bytes
        if written_bytes >= self._settings.checkpoint_bytes or (late and (written_bytes or self._superseded.due())):
            await self.run()

    async def _run_unless_fenced(self) -> None:
        try:
            await self._run()
        except Fenced as error:
            self._committer.fail(error)
            raise self._committer.refusal() from error

    async def _run(self) -> None:
        due = self._superseded.due()
        await self._teller.catch_up()
        closed = await self._committer.rotate()
        try:
            await self._files.sync()
        except OSError as error:
            self._committer.fail(error)
            raise self._committer.refusal() from error
        await self._teller.settle(closed.last_lsn)
        await self._note(closed.last_lsn)
        await self._committer.drop(closed)
        await self._superseded.remove(due)

    async def _note(self, lsn: int) -> None:
        try:
            await self._superblocks.note_checkpoint(lsn)
        except OSError as error:
            if is_out_of_room(error):
                raise StorageFull("The element has no room for its superblock; the journal is kept.") from error
            self._committer.fail(error)
            raise self._committer.refusal() from error
