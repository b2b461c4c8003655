"""Accounts are suspended, changed by revision and found by the beginning of their name; secrets are warned of once."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns; what is there is active and nobody was warned of it."""
    for table in ("service_accounts", "account_secrets"):
        op.execute(f'ALTER TABLE {table} ALTER client_id TYPE text COLLATE "C"')
    op.add_column("service_accounts", sa.Column("state", sa.Text, nullable=False, server_default="active"))
    op.add_column("service_accounts", sa.Column("revision", sa.Integer, nullable=False, server_default="1"))
    op.add_column("account_secrets", sa.Column("warned_at", sa.DateTime(timezone=True)))
    op.create_index("account_secrets_expires_at", "account_secrets", ["expires_at"])
    op.create_index(
        "account_secrets_unwarned", "account_secrets", ["expires_at"], postgresql_where=sa.text("warned_at IS NULL")
    )
