"""Answers to requests under an `Idempotency-Key`, sealed, for a day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BYTEA

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the table; nothing is kept yet."""
    op.create_table(
        "kept_answers",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sealed_answer", BYTEA, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False, index=True),
    )
