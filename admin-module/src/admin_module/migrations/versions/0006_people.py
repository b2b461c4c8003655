"""People: temporary passwords, suspension, sessions with their refresh tokens, failures counted by name."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BYTEA

revision = "0006"
down_revision = "0005"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables; locks that last are forgotten."""
    _administrators()
    _login_failures()
    _sessions()


def _administrators() -> None:
    for column in (
        sa.Column("display_name", sa.Text, nullable=False, server_default=""),
        sa.Column("email", sa.Text, nullable=False, server_default=""),
        sa.Column("suspended", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("must_change_password", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("last_login_at", _moment),
    ):
        op.add_column("administrators", column)
    for name in ("failed_attempts", "locked_until"):
        op.drop_column("administrators", name)


def _login_failures() -> None:
    op.create_table(
        "login_failures",
        sa.Column("name_sha256", BYTEA, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", _moment, nullable=False, index=True),
        sa.Column("locked_until", _moment),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column(
            "username",
            sa.Text,
            sa.ForeignKey("administrators.username", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("last_used_at", _moment, nullable=False),
        sa.Column("expires_at", _moment, nullable=False, index=True),
        sa.Column("current_sha256", BYTEA, nullable=False),
        sa.Column("previous_sha256", BYTEA),
        sa.Column("ended_at", _moment),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_sha256", BYTEA, primary_key=True),
        sa.Column(
            "session_id",
            sa.Text,
            sa.ForeignKey("sessions.session_id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
    )
