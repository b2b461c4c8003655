"""Administrators, and the failures to log in as somebody."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from admin_module.adapters.tables.schema import metadata, moment

administrators = sa.Table(
    "administrators",
    metadata,
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("display_name", sa.Text, nullable=False, server_default=""),
    sa.Column("email", sa.Text, nullable=False, server_default=""),
    sa.Column("suspended", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("must_change_password", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", moment, nullable=False),
    sa.Column("last_login_at", moment),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
)

login_failures = sa.Table(
    "login_failures",
    metadata,
    sa.Column("name_sha256", BYTEA, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", moment, nullable=False, index=True),
    sa.Column("locked_until", moment),
)
