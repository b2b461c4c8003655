"""Roles that administrators have made."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from admin_module.adapters.tables.schema import metadata, moment

roles = sa.Table(
    "roles",
    metadata,
    sa.Column("name", sa.Text(collation="C"), primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("scopes", ARRAY(sa.Text), nullable=False),
    sa.Column("grants", JSONB, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", moment, nullable=False),
)
