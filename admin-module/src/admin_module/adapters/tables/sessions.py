"""Sessions of people, and every refresh token that each has had."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from admin_module.adapters.tables.schema import metadata, moment

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Column("username", sa.ForeignKey("administrators.username", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("user_agent", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("created_at", moment, nullable=False),
    sa.Column("last_used_at", moment, nullable=False),
    sa.Column("expires_at", moment, nullable=False, index=True),
    sa.Column("current_sha256", BYTEA, nullable=False),
    sa.Column("previous_sha256", BYTEA),
    sa.Column("ended_at", moment),
)

refresh_tokens = sa.Table(
    "refresh_tokens",
    metadata,
    sa.Column("token_sha256", BYTEA, primary_key=True),
    sa.Column("session_id", sa.ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False, index=True),
)
