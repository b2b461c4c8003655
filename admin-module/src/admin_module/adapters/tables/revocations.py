"""What was revoked."""

import sqlalchemy as sa

from admin_module.adapters.tables.schema import metadata, moment

revocations = sa.Table(
    "revocations",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("before", moment),
    sa.Column("revoked_at", moment, nullable=False, server_default=sa.func.clock_timestamp(), index=True),
    sa.Column("ends_at", moment, nullable=False, index=True),
)
