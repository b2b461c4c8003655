"""The ingester: takes documents in and places each on a storage element."""
