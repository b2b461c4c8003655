"""Clients' public keys and limits, and the assertions that were used."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("service_accounts", sa.Column("jwks", JSONB))
    op.add_column("service_accounts", sa.Column("token_requests_per_minute", sa.Integer))
    op.create_table(
        "used_assertions",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("jti_sha256", BYTEA, sa.CheckConstraint("octet_length(jti_sha256) = 32"), primary_key=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
    )
