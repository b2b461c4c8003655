"""Revisions of administrators, so that nobody overwrites what they have not seen."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Everybody is at the first one."""
    op.add_column("administrators", sa.Column("revision", sa.Integer, nullable=False, server_default="1"))
