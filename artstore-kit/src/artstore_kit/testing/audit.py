"""For tests of audit entries: one of many, and a log that keeps what it is given."""

from dataclasses import dataclass, field
from uuid import UUID

from artstore_kit.contracts.audit import AuditBatch, AuditEntry, AuditReceipt, new_entry_id
from artstore_kit.contracts.errors import ArtStoreError


def entry(action: str = "file.read", **fields: object) -> AuditEntry:
    """One of many."""
    return AuditEntry.model_validate(
        {"entry_id": new_entry_id(), "service": "query-module", "action": action, **fields}
    )


@dataclass
class ReceivingLog:
    """Keeps what is delivered; raises `failure` while there is one."""

    entries: list[AuditEntry] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    failure: ArtStoreError | None = None
    refused: set[UUID] = field(default_factory=set)
    refusal: ArtStoreError | None = None

    async def append(self, written: bytes) -> AuditReceipt:
        """As the audit log does it, `refusal` for a batch that has one of `refused`."""
        if self.failure:
            raise self.failure
        batch = AuditBatch.model_validate_json(written)
        if self.refusal and self.refused & {each.entry_id for each in batch.entries}:
            raise self.refusal
        self.batches.append(len(batch.entries))
        fresh = [each for each in batch.entries if each not in self.entries]
        self.entries += fresh
        return AuditReceipt(appended=len(fresh), known_before=len(batch.entries) - len(fresh))

    @property
    def actions(self) -> list[str]:
        """What they tell, in the order of delivery."""
        return [each.action for each in self.entries]
