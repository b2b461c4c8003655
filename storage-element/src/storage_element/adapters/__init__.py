"""Disk, PostgreSQL and the admin module, as this element uses them."""
