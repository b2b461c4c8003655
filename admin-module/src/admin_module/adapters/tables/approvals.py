"""Approvals."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from admin_module.adapters.tables.schema import metadata, moment

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("approval_id", UUID, primary_key=True),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", moment, nullable=False),
    sa.Column("expires_at", moment, nullable=False),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", moment),
    sa.Column("comment", sa.Text, nullable=False, server_default=""),
    sa.Column("used_at", moment),
    sa.Column("used_on", sa.Text),
)
