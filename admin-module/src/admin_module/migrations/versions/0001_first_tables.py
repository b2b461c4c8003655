"""Accounts, administrators, signing keys and storage elements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

revision = "0001"
down_revision = None

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _accounts()
    _keys()
    _elements()


def _accounts() -> None:
    op.create_table(
        "service_accounts",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("grants", JSONB, nullable=False),
        sa.Column("system", sa.Boolean, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
    )
    op.create_table(
        "account_secrets",
        sa.Column(
            "client_id", sa.Text, sa.ForeignKey("service_accounts.client_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("secret_sha256", BYTEA, sa.CheckConstraint("octet_length(secret_sha256) = 32"), primary_key=True),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("expires_at", _moment),
    )
    op.create_table(
        "administrators",
        sa.Column("username", sa.Text, primary_key=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("failed_attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("locked_until", _moment),
        sa.Column("created_at", _moment, nullable=False),
    )


def _keys() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text, primary_key=True),
        sa.Column("public_jwk", JSONB, nullable=False),
        sa.Column("sealed_private_key", BYTEA, nullable=False),
        sa.Column("published_at", _moment, nullable=False),
        sa.Column("not_before", _moment, nullable=False),
        sa.Column("retired_at", _moment),
    )


def _elements() -> None:
    op.create_table(
        "elements",
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
