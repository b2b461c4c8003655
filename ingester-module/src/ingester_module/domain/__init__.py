"""The words and rules of the ingester; no I/O."""
