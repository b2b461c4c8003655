"""The index knows the epoch of the master that wrote it last: one of an older epoch writes no more."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Before this nobody noted it: any master may go on from there."""
    op.execute("ALTER TABLE index_state ADD COLUMN epoch bigint NOT NULL DEFAULT 0")
