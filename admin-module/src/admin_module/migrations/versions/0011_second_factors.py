"""Second factors: sealed secrets of authenticator apps, and recovery codes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BYTEA

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the tables; nobody has a second factor yet."""
    op.create_table(
        "second_factors",
        _owner("administrators.username"),
        sa.Column("sealed_secret", BYTEA, nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.Column("last_step", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "recovery_codes",
        _owner("second_factors.username"),
        sa.Column("code_sha256", BYTEA, sa.CheckConstraint("octet_length(code_sha256) = 32"), primary_key=True),
    )


def _owner(column: str) -> sa.Column[str]:
    return sa.Column("username", sa.Text, sa.ForeignKey(column, ondelete="CASCADE"), primary_key=True)
