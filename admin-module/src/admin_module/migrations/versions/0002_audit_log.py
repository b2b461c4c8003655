"""The audit log: entries by month, the tiles of its tree, its checkpoints and its key."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BYTEA, UUID

revision = "0002"
down_revision = "0001"

_moment = sa.DateTime(timezone=True)
_word = sa.Text(collation="C")


def upgrade() -> None:
    """Make the tables; partitions are made when the first entry of a month comes."""
    _tree()
    _entries()
    _indexes()


def _tree() -> None:
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Boolean, sa.CheckConstraint("one"), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "audit_tiles",
        sa.Column("level", sa.SmallInteger, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("hashes", BYTEA, nullable=False),
    )
    op.execute("ALTER TABLE audit_tiles ALTER hashes SET STORAGE EXTERNAL")  # hashes cannot be compressed
    op.create_table(
        "audit_checkpoints",
        sa.Column("size", sa.BigInteger, primary_key=True),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("signed_at", _moment, nullable=False),
    )
    op.create_table(
        "audit_keys",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("public_key", BYTEA, nullable=False),
        sa.Column("sealed_private_key", BYTEA, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
    )


def _entries() -> None:
    op.create_table(
        "audit_entries",
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


def _indexes() -> None:
    for name in ("actor", "action", "resource"):
        op.create_index(f"ix_audit_entries_{name}", "audit_entries", [name, "entry_id"])
    for name, where in (("acting_for", "acting_for <> ''"), ("outcome", "outcome <> 'done'")):
        index = f"ix_audit_entries_{name}"
        op.create_index(index, "audit_entries", [name, "entry_id"], postgresql_where=sa.text(where))
