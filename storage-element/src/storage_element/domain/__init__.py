"""The words and rules of a storage element; no I/O."""
