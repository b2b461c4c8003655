"""What the ingester counts besides its HTTP requests."""

from prometheus_client import Counter, Histogram

STORED = Counter("artstore_ingester_files_stored_total", "Files acknowledged", ["element"])
STORED_BYTES = Counter("artstore_ingester_stored_bytes_total", "Bytes of acknowledged files", ["element"])
PASSED_BY = Counter(
    "artstore_ingester_deliveries_refused_total",
    "Deliveries after which another element was tried",
    ["element", "code"],
)
UNSURE = Counter(
    "artstore_ingester_deliveries_unsure_total",
    "Deliveries after which the element was asked for the outcome",
    ["element"],
)
BATCH = Histogram(
    "artstore_ingester_batch_files", "Small files that went to an element together", buckets=(1, 2, 4, 8, 16, 32, 64)
)
REPLAYED = Counter("artstore_ingester_replayed_total", "Requests answered from their Idempotency-Key")
WRONG_CONTENT = Counter(
    "artstore_ingester_wrong_content_total", "Files that an element stored other than sent", ["element"]
)
