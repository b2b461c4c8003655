"""PostgreSQL and the storage elements."""
