"""Revocations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "revocations",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("before", _moment),
        sa.Column("revoked_at", _moment, nullable=False, server_default=sa.func.clock_timestamp(), index=True),
        sa.Column("ends_at", _moment, nullable=False, index=True),
    )
