"""What expires is found without reading everything."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Moments are UTC in one format, so that they sort as text; attr.json itself is the judge."""
    op.execute(
        "CREATE INDEX files_expiring ON files"
        ' ((substring(attributes from \'"retention":{[^{}]*"expires_at":"([^"]*)"\') COLLATE "C"), file_id)'
        " WHERE attributes LIKE '%\"expires_at\":%'"
    )
