"""The audit log: its entries by month, the tree above them, and the checkpoints that were signed."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, UUID

from admin_module.adapters.tables.schema import metadata, moment

_word = sa.Text(collation="C")
"""Compared byte by byte, so that an index finds beginnings of words too."""

audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("one", sa.Boolean, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
)

audit_tiles = sa.Table(
    "audit_tiles",
    metadata,
    sa.Column("level", sa.SmallInteger, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("hashes", BYTEA, nullable=False),
)

audit_entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("entry_id", UUID, primary_key=True),
    sa.Column("index", sa.BigInteger, nullable=False, index=True),
    sa.Column("service", _word, nullable=False),
    sa.Column("actor", _word, nullable=False),
    sa.Column("client_id", _word, nullable=False),
    sa.Column("acting_for", _word, nullable=False),
    sa.Column("action", _word, nullable=False),
    sa.Column("resource", _word, nullable=False),
    sa.Column("outcome", _word, nullable=False),
    sa.Column("leaf", BYTEA, nullable=False),
    postgresql_partition_by="RANGE (entry_id)",
)
for _name in ("actor", "action", "resource"):
    sa.Index(f"ix_audit_entries_{_name}", audit_entries.c[_name], audit_entries.c.entry_id)
sa.Index(
    "ix_audit_entries_acting_for",
    audit_entries.c.acting_for,
    audit_entries.c.entry_id,
    postgresql_where=audit_entries.c.acting_for != sa.text("''"),
)
sa.Index(
    "ix_audit_entries_outcome",
    audit_entries.c.outcome,
    audit_entries.c.entry_id,
    postgresql_where=audit_entries.c.outcome != sa.text("'done'"),
)

audit_checkpoints = sa.Table(
    "audit_checkpoints",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("signed_at", moment, nullable=False),
)

audit_keys = sa.Table(
    "audit_keys",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("public_key", BYTEA, nullable=False),
    sa.Column("sealed_private_key", BYTEA, nullable=False),
    sa.Column("created_at", moment, nullable=False),
)
