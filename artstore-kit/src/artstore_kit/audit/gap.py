"""What could not be kept: how many entries between which moments, until that can be told."""

from contextlib import suppress

from pydantic_core import from_json

from artstore_kit.audit.slate import Slate
from artstore_kit.contracts.audit import AuditEntry, AuditOutcome, entry_id_of

ACTION = "audit.gap"


class Gap:
    """Counts on a slate, so that neither a full disk nor kill -9 makes it forget."""

    def __init__(self, slate: Slate) -> None:
        self._slate = slate
        self._noted = slate.read()

    @property
    def count(self) -> int:
        """How many entries were not kept since that was last told."""
        return self._noted.get("count", 0)

    def widen(self, now_ms: int, by: int = 1) -> None:
        """One more was not kept, or several."""
        first_ms = self._noted.get("first_ms", now_ms)
        self._noted = {"count": self.count + by, "first_ms": first_ms, "last_ms": now_ms}
        with suppress(OSError):  # then it is forgotten should the process be killed before it is told
            self._slate.write(**self._noted)

    def entry(self, service: str, node: str) -> AuditEntry:
        """The entry that tells of it: the same each time, so that it counts once."""
        first_ms, last_ms = self._noted["first_ms"], self._noted["last_ms"]
        return AuditEntry(
            entry_id=entry_id_of(last_ms, ACTION, service, node, first_ms, self.count),
            service=service,
            node=node,
            actor=service,
            action=ACTION,
            resource="audit",
            outcome=AuditOutcome.FAILED,
            code="audit_spool_full",
            detail={"not_kept": self.count, "first_ms": first_ms, "last_ms": last_ms},
        )

    def told(self) -> None:
        """An entry tells of it now."""
        self._noted = {}
        self._slate.write()


def lost_with(line: bytes) -> int:
    """How many entries nobody hears of when this line is not kept: a gap that is refused stands for others."""
    try:
        entry = from_json(line)
    except ValueError:
        return 1
    if not isinstance(entry, dict) or entry.get("action") != ACTION:
        return 1
    return int(entry["detail"]["not_kept"])
