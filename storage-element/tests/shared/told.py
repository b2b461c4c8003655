"""A spool of the audit log that a test can look into, fill up and break."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import AuditSpoolFault, AuditSpoolFull


@dataclass
class Told:
    """Keeps what a node is told: of that, `synced_count` lines outlive a power cut, and all of them a kill.

    `sink` hears of each at once.
    """

    sink: Callable[[bytes], None] = lambda _: None
    lines: list[bytes] = field(default_factory=list)
    synced_count: int = 0
    is_full: bool = False
    is_broken: bool = False

    def keep(self, lines: Sequence[bytes]) -> None:
        """Keep entries; `AuditSpoolFull`."""
        if self.is_full:
            raise AuditSpoolFull
        for line in lines:
            self.sink(line)
        self.lines += lines

    async def synced(self) -> None:
        """Return when all that was kept is on stable storage; `AuditSpoolFault`."""
        count = len(self.lines)
        await asyncio.get_running_loop().run_in_executor(None, self._sync, count)

    def _sync(self, count: int) -> None:
        if self.is_broken:
            raise AuditSpoolFault
        self.synced_count = count

    def entries(self) -> list[AuditEntry]:
        """As the audit log will read them; each counts once."""
        found = [AuditEntry.model_validate_json(line) for line in self.lines]
        return list({entry.entry_id: entry for entry in found}.values())
