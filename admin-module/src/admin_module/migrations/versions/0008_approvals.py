"""Approvals of what cannot be undone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0008"
down_revision = "0007"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "approvals",
        sa.Column("approval_id", UUID, primary_key=True),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column(
            "state",
            sa.Text,
            sa.CheckConstraint("state IN ('pending', 'approved', 'rejected', 'withdrawn')"),
            nullable=False,
        ),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", _moment, nullable=False),
        sa.Column("expires_at", _moment, nullable=False),
        sa.Column("decided_by", sa.Text, sa.CheckConstraint("decided_by <> requested_by")),
        sa.Column("decided_at", _moment),
        sa.Column("comment", sa.Text, nullable=False, server_default=""),
        sa.Column("used_at", _moment),
    )
