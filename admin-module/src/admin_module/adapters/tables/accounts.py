"""Service accounts and their secrets."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from admin_module.adapters.tables.schema import metadata, moment

service_accounts = sa.Table(
    "service_accounts",
    metadata,
    sa.Column("client_id", sa.Text(collation="C"), primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("scopes", ARRAY(sa.Text), nullable=False),
    sa.Column("grants", JSONB, nullable=False),
    sa.Column("system", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="active"),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    sa.Column("created_at", moment, nullable=False),
    sa.Column("jwks", JSONB(none_as_null=True)),
    sa.Column("token_requests_per_minute", sa.Integer),
    sa.Index("service_accounts_roles", "roles", postgresql_using="gin"),
)

account_secrets = sa.Table(
    "account_secrets",
    metadata,
    sa.Column(
        "client_id",
        sa.Text(collation="C"),
        sa.ForeignKey("service_accounts.client_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("secret_sha256", BYTEA, primary_key=True),
    sa.Column("created_at", moment, nullable=False),
    sa.Column("expires_at", moment),
    sa.Column("warned_at", moment),
    sa.Index("account_secrets_expires_at", "expires_at"),
    sa.Index("account_secrets_unwarned", "expires_at", postgresql_where=sa.text("warned_at IS NULL")),
)

used_assertions = sa.Table(
    "used_assertions",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("jti_sha256", BYTEA, primary_key=True),
    sa.Column("expires_at", moment, nullable=False, index=True),
)
