"""Prometheus metrics of a storage element."""

from prometheus_client import Counter, Gauge, Histogram

COMMITS = Counter("artstore_element_commits_total", "Journal records on stable storage", ["kind"])
BATCH = Histogram(
    "artstore_element_batch_records", "Records that shared one sync", buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
SYNC_SECONDS = Histogram(
    "artstore_element_journal_sync_seconds",
    "Time to append and sync one batch",
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
)
CHECKPOINT_SECONDS = Histogram(
    "artstore_element_checkpoint_seconds", "Time of a checkpoint", buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
)
IS_MASTER = Gauge("artstore_element_is_master", "1 while this node is the element's master")
EPOCH = Gauge("artstore_element_epoch_number", "The epoch in which this node is or was the master")
TAKE_OVERS = Counter("artstore_element_take_overs_total", "Times this node became the element's master")
FENCED = Counter("artstore_element_fenced_total", "Times another node had taken over before this one had stepped down")
FAULT = Gauge("artstore_element_storage_fault", "1 when the element takes no writes after a storage error")
REPLAYED = Counter("artstore_element_replayed_records_total", "Journal records replayed at start")
UNTOLD = Gauge("artstore_element_untold_changes", "1 while changes are in place of which the audit spool took no entry")
OPEN_UPLOADS = Gauge("artstore_element_open_uploads", "Uploads in parts that are neither committed nor given up")
INDEX_PENDING = Gauge("artstore_element_index_pending_records", "Committed records that the index does not show yet")
INDEX_REBUILDS = Counter("artstore_element_index_rebuilds_total", "Times the index was rebuilt from the files")
UNREADABLE = Counter("artstore_element_unreadable_attributes_total", "attr.json files that a rebuild could not read")
EXPIRED = Counter("artstore_element_expired_files_total", "Files that seemed to expire", ["outcome"])
CLOCK_DOUBT = Gauge("artstore_element_clock_in_doubt", "1 while the clock is not believed and nothing expires")
TOTAL_BYTES = Gauge("artstore_element_total_bytes", "Size of the element's file system")
FREE_BYTES = Gauge("artstore_element_free_bytes", "What is free of it")
GROWTH = Gauge("artstore_element_growth_bytes_per_second", "How fast the element fills")
CORRUPT = Gauge("artstore_element_corrupt_contents", "Files whose content or attributes are damaged or missing")
QUARANTINED = Counter("artstore_element_quarantined_total", "What belonged to no file and was moved aside", ["kind"])
RECONCILED = Counter("artstore_element_reconciled_files_total", "Documents that were compared with their index rows")
SUSPECTED = Counter("artstore_element_suspected_total", "Documents in which a request met damage")
SCRUBBED_FILES = Counter("artstore_element_scrubbed_files_total", "Contents read again and judged", ["outcome"])
SCRUBBED_BYTES = Counter("artstore_element_scrubbed_bytes_total", "Bytes of content read again from the disk")
OLDEST_UNVERIFIED = Gauge(
    "artstore_element_scrub_oldest_unverified_seconds", "Age of the oldest stored or verified content, at most"
)
STORE_RETRIES = Counter(
    "artstore_element_store_retries_total", "Requests that the S3 store did not answer well", ["verb"]
)
