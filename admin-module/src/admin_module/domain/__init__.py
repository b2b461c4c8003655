"""The words and rules of the admin module; no I/O."""
