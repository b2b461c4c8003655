"""What was there when an approval was first used."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Of what was used before nothing is known, so it cannot be repeated."""
    op.add_column("approvals", sa.Column("used_on", sa.Text))
