"""The index: one row a file, tombstones included, and how far it is applied."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.execute("CREATE TABLE files ( file_id uuid PRIMARY KEY, lsn bigint NOT NULL, attributes text)")
    op.execute("CREATE INDEX files_in_lsn_order ON files (lsn)")
    op.execute("COMMENT ON COLUMN files.attributes IS 'attr.json; null for a file that was removed'")
    op.execute(
        "CREATE TABLE index_state ("
        " single_row boolean PRIMARY KEY DEFAULT true CHECK (single_row),"
        " applied_lsn bigint NOT NULL,"
        " generation text NOT NULL)"
    )
