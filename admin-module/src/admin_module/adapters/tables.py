"""The tables of `artstore_admin`, as migrations/versions make them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

metadata = sa.MetaData()
_moment = sa.DateTime(timezone=True)

service_accounts = sa.Table(
    "service_accounts",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("scopes", ARRAY(sa.Text), nullable=False),
    sa.Column("grants", JSONB, nullable=False),
    sa.Column("system", sa.Boolean, nullable=False),
    sa.Column("created_at", _moment, nullable=False),
)

account_secrets = sa.Table(
    "account_secrets",
    metadata,
    sa.Column("client_id", sa.ForeignKey("service_accounts.client_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("secret_sha256", BYTEA, primary_key=True),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("expires_at", _moment),
)

administrators = sa.Table(
    "administrators",
    metadata,
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("failed_attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", _moment),
    sa.Column("created_at", _moment, nullable=False),
)

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("kid", sa.Text, primary_key=True),
    sa.Column("public_jwk", JSONB, nullable=False),
    sa.Column("sealed_private_key", BYTEA, nullable=False),
    sa.Column("published_at", _moment, nullable=False),
    sa.Column("not_before", _moment, nullable=False),
    sa.Column("retired_at", _moment),
)

elements = sa.Table(
    "elements",
    metadata,
    sa.Column("element_id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("registered_at", _moment, nullable=False),
    sa.Column("reported_at", _moment),
    sa.Column("report", JSONB),
)
