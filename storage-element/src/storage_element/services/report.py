"""Tells the admin module that this element exists and how it is."""

import time

from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.elements import ElementRegistration, ElementReport, ElementState, Fullness, Role
from artstore_kit.contracts.errors import DatabaseUnavailable, ElementUnknown, IndexUnavailable
from artstore_kit.contracts.modes import ALLOWED, Operation
from storage_element.adapters.index import Index
from storage_element.config import ElementSettings
from storage_element.domain.storage import Superblocks
from storage_element.services.clock_watch import ClockWatch
from storage_element.services.commit import Committer
from storage_element.services.contain import Containment
from storage_element.services.measure import Measure

COUNTED_EVERY_S = 60.0


class Reporter:
    """Registers once, then reports; registers again when the admin module has forgotten this element."""

    def __init__(
        self,
        *,
        settings: ElementSettings,
        node_id: str,
        superblocks: Superblocks,
        committer: Committer,
        measure: Measure,
        index: Index,
        containment: Containment,
        clock: ClockWatch,
        admin: AdminClient,
    ) -> None:
        self._settings = settings
        self._node_id = node_id
        self._superblocks = superblocks
        self._committer = committer
        self._measure = measure
        self._index = index
        self._containment = containment
        self._clock = clock
        self._admin = admin
        self._registered = False
        self._files: int | None = None
        self._counted_at = -COUNTED_EVERY_S

    async def round(self) -> None:
        """Report; raises when the admin module cannot be reached."""
        if not self._registered:
            await self._admin.register(self._settings.id, self._registration())
            self._registered = True
        try:
            await self._admin.report(self._settings.id, await self.report())
        except ElementUnknown:
            self._registered = False
            raise

    async def state(self) -> ElementState:
        """The state of this element now, and who tells it."""
        report = await self.report()
        return ElementState(
            role=Role.MASTER,
            node_id=self._node_id or None,
            master_url=self._settings.url,
            **dict(report),
        )

    async def report(self) -> ElementReport:
        """The state of this element now."""
        block = self._superblocks.current
        capacity = self._measure.capacity()
        full = capacity.fullness is Fullness.FULL
        return ElementReport(
            mode=block.mode,
            epoch=block.epoch,
            capacity=capacity,
            files=await self._count(),
            last_lsn=self._committer.placed_lsn,
            writable=block.mode in ALLOWED[Operation.CREATE] and not self._committer.takes_none and not full,
            corrupt_contents=len(self._containment.damaged),
            state=self._state(full=full),
        )

    def _state(self, *, full: bool) -> str:
        """The worst that is to be told."""
        if self._committer.fault:
            return "storage_fault"
        if self._committer.away:
            return self._committer.away.code
        if full:
            return "storage_full"
        if self._containment.damaged:
            return "content_corrupt"
        return "clock_in_doubt" if self._clock.doubt else "ok"

    async def _count(self) -> int | None:
        if time.monotonic() - self._counted_at >= COUNTED_EVERY_S:
            try:
                self._files = await self._index.count()
                self._counted_at = time.monotonic()
            except (DatabaseUnavailable, IndexUnavailable):
                return None
        return self._files

    def _registration(self) -> ElementRegistration:
        block = self._superblocks.current
        return ElementRegistration(
            url=self._settings.url,
            mode=block.mode,
            epoch=block.epoch,
            priority=self._settings.priority,
            site=self._settings.site,
        )
