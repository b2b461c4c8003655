"""Signing keys can be revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Say when."""
    op.add_column("signing_keys", sa.Column("revoked_at", sa.DateTime(timezone=True)))
