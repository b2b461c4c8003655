"""Signing keys."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from admin_module.adapters.tables.schema import metadata, moment

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("kid", sa.Text, primary_key=True),
    sa.Column("public_jwk", JSONB, nullable=False),
    sa.Column("sealed_private_key", BYTEA, nullable=False),
    sa.Column("published_at", moment, nullable=False),
    sa.Column("not_before", moment, nullable=False),
    sa.Column("retired_at", moment),
    sa.Column("revoked_at", moment),
)
