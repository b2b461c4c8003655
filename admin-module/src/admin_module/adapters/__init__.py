"""PostgreSQL, Redis, cryptography; nothing here commits or decides."""
