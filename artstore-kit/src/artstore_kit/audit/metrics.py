"""What is told of a service's audit entries."""

from prometheus_client import Counter, Gauge

SPOOLED = Counter("artstore_audit_spooled_total", "Entries written to the spool")
DELIVERED = Counter("artstore_audit_delivered_total", "Entries that the audit log has acknowledged")
WAITING = Gauge("artstore_audit_waiting_entries", "Entries in the spool that the audit log has not acknowledged")
OLDEST_SECONDS = Gauge("artstore_audit_oldest_waiting_seconds", "Age of the oldest entry that waits; 0 when none does")
SPOOL_BYTES = Gauge("artstore_audit_spool_bytes", "What lies in the spool")
SET_ASIDE = Counter("artstore_audit_set_aside_total", "Entries that the audit log refuses to take")
TORN = Counter("artstore_audit_torn_total", "Ends of segments that hold no whole entry, as a crash leaves them")
COUNTED = Counter("artstore_audit_counted_total", "Refusals of unknown callers that were told by their number alone")
NOT_KEPT = Counter("artstore_audit_not_kept_total", "Entries for which there was no room, in the spool or aside")
