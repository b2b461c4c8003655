"""The list of revocations in memory: whoever asks for it gets it while the database is away too."""

from collections.abc import Iterable
from datetime import datetime

from admin_module.domain.clock import Clock
from admin_module.domain.revocations import TOLD_AGAIN_FOR
from admin_module.services.revocations import Revocations
from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.contracts.revocations import Revocation, RevocationKind, RevocationList


class KnownRevocations:
    """All that the database has told and that has not ended; this service reads it for itself each second.

    While the database is away nothing can be revoked, so that what was read last is all there is. Its `as_of` says
    how old it is.
    """

    def __init__(self, table: Revocations, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._heard: dict[tuple[RevocationKind, str], tuple[datetime, Revocation]] = {}  # each with the `as_of` then
        self._as_of: datetime | None = None

    async def read(self, after: datetime | None) -> RevocationList:
        """As `Revocations.after`, from the database; `DatabaseUnavailable` when it is away."""
        told = await self._table.after(self._as_of if after else None)
        self._keep(told)
        return self._since(after, told.as_of)

    async def after(self, moment: datetime | None) -> RevocationList:
        """As `read`, or what was read last. `DatabaseUnavailable` when nothing was since the start of this node."""
        try:
            return await self.read(moment)
        except DatabaseUnavailable:
            if self._as_of is None:
                raise
            return self._since(moment, self._as_of)

    def _keep(self, told: RevocationList) -> None:
        for each in told.items:
            key = each.kind, each.name
            if key not in self._heard or self._heard[key][1] != each:
                self._heard[key] = told.as_of, each
        now = self._clock()
        self._heard = {key: known for key, known in self._heard.items() if known[1].ends_at > now}
        self._as_of = max(told.as_of, self._as_of or told.as_of)

    def _since(self, after: datetime | None, as_of: datetime) -> RevocationList:
        return RevocationList(as_of=as_of, items=list(self._told_after(after)))

    def _told_after(self, after: datetime | None) -> Iterable[Revocation]:
        now = self._clock()
        for heard_at, each in self._heard.values():
            if each.ends_at > now and (after is None or heard_at > after - TOLD_AGAIN_FOR):
                yield each
