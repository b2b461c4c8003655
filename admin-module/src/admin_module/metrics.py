"""What the admin module counts."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge

from artstore_kit.contracts.errors import ArtStoreError

TOKENS = Counter("artstore_admin_tokens_issued_total", "Access tokens issued", ["kind"])
REFUSALS = Counter("artstore_admin_tokens_refused_total", "Clients and people who got no token", ["kind", "code"])
REUSES = Counter("artstore_admin_refresh_tokens_reused_total", "Sessions ended because an old refresh token came back")
EXPIRING = Counter("artstore_admin_secrets_expiring_total", "Secrets that somebody was warned of")
REPORTS = Counter("artstore_admin_element_reports_total", "Reports of storage elements", ["element"])
WAKE_UPS = Counter("artstore_admin_wake_ups_total", "Words to all services that something was revoked", ["outcome"])
REGISTRY_WRITES = Counter("artstore_admin_registry_writes_total", "Writes of the registry to Redis", ["outcome"])
AUDIT_ENTRIES = Counter("artstore_admin_audit_entries_total", "Entries appended to the audit log")
AUDIT_SIGNED = Gauge("artstore_admin_audit_signed_entries", "Entries that the checkpoint covers that was signed last")

TALLIES = Counter("artstore_admin_tallies_total", "Requests and failures of clients that were counted", ["where"])


@contextmanager
def refusals_counted(kind: str) -> Iterator[None]:
    """Counts the refusal that leaves the block."""
    try:
        yield
    except ArtStoreError as error:
        REFUSALS.labels(kind, error.code).inc()
        raise
