"""The mode that requests meet, and the durable step from one to the next."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from artstore_kit.contracts import modes
from artstore_kit.contracts.errors import AuditSpoolFault, AuditSpoolFull, StorageFault, StorageFull
from artstore_kit.contracts.modes import Mode, Operation
from artstore_kit.logs import event_logger
from storage_element.domain.faults import is_out_of_room
from storage_element.domain.storage import Superblocks
from storage_element.services.checkpoint import Checkpoint
from storage_element.services.commit import Committer


class Modes:
    """While the mode turns, only what the old and the new one allow is begun."""

    def __init__(self, superblocks: Superblocks, committer: Committer, checkpoint: Checkpoint) -> None:
        self._superblocks = superblocks
        self._committer = committer
        self._checkpoint = checkpoint
        self._next: Mode | None = None
        self._under_way = 0
        self._none_under_way = asyncio.Event()
        self._none_under_way.set()
        self._one = asyncio.Lock()

    @property
    def current(self) -> Mode:
        """What element.json says."""
        return self._superblocks.current.mode

    def require(self, operation: Operation) -> None:
        """Raise `ModeForbids` unless the mode, and the next one if it is turning, allow `operation`."""
        modes.require(self.current, operation)
        if self._next is not None:
            modes.require(self._next, operation)

    @contextmanager
    def committing(self, operation: Operation) -> Iterator[None]:
        """Around a commit: `ModeForbids`, or the mode does not turn before it has ended."""
        self.require(operation)
        self._under_way += 1
        self._none_under_way.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._none_under_way.set()

    async def turn(self, mode: Mode, because: str) -> None:
        """Change the mode durably: what it forbids is refused from now on, and what was being committed ends first.

        A content that is still coming is refused with `ModeForbids` when it has come. A failure leaves the old mode.
        """
        async with self._one:
            before = self.current
            self._next = mode
            try:
                await self._none_under_way.wait()
                with suppress(StorageFull, AuditSpoolFull, AuditSpoolFault):  # the journal is replayed in any mode
                    await self._checkpoint.run()
                await self._write(mode)
            finally:
                self._next = None
        event_logger().warning("mode changed", before=before.value, mode=mode.value, because=because)

    async def _write(self, mode: Mode) -> None:
        try:
            await self._superblocks.change_mode(mode)
        except OSError as error:
            if is_out_of_room(error):
                raise StorageFull("The element has no room for its superblock; its mode stays.") from error
            self._committer.fail(error)
            raise StorageFault from error
