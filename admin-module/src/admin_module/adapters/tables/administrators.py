"""Administrators."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from admin_module.adapters.tables.schema import metadata, moment

administrators = sa.Table(
    "administrators",
    metadata,
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("failed_attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", moment),
    sa.Column("created_at", moment, nullable=False),
)
