"""What of the audit log is looked for."""

from dataclasses import dataclass
from datetime import datetime

from artstore_kit.contracts.audit import AuditOutcome


@dataclass(frozen=True)
class Filters:
    """What is looked for; what is empty does not matter. An `action` that ends with a dot stands for all it begins."""

    actor: str = ""
    client_id: str = ""
    acting_for: str = ""
    action: str = ""
    resource: str = ""
    service: str = ""
    outcome: AuditOutcome | None = None
    since: datetime | None = None
    until: datetime | None = None
