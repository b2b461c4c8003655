"""Storage elements and Redis, as the ingester speaks to them."""
