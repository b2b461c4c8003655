"""What the query module tells of itself besides the kit's metrics."""

from prometheus_client import Counter, Gauge, Histogram

LAG_SECONDS = Gauge(
    "artstore_follow_lag_seconds", "Time since the index was last level with the element; 0 while it is", ["element"]
)
LAG_LSN = Gauge(
    "artstore_follow_lag_lsn", "Journal positions between the element's last report and the index", ["element"]
)
FOLLOWING = Gauge("artstore_follow_claimed", "1 while this node follows the element, 0 while another may", ["element"])
CHANGES = Counter("artstore_follow_changes_total", "Changes carried into the index", ["element"])
APPLY_SECONDS = Histogram("artstore_follow_apply_seconds", "Time to carry a page of changes into the index")
ASKED_ALL = Counter(
    "artstore_query_asked_all_total", "Times that the elements were asked because the index was no help", ["outcome"]
)
