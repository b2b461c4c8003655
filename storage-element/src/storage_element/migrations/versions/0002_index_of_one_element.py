"""The index names its element, so that no other one writes or serves it. It is rebuilt once."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Nothing says whose index an older one is: the element claims it by rebuilding it."""
    op.execute("DELETE FROM index_state")
    op.execute("ALTER TABLE index_state ADD COLUMN element_id text NOT NULL")
