"""Storage elements, and those that were taken out of the fleet."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from admin_module.adapters.tables.schema import metadata, moment

elements = sa.Table(
    "elements",
    metadata,
    sa.Column("element_id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("registered_at", moment, nullable=False),
    sa.Column("reported_at", moment),
    sa.Column("report", JSONB),
)

removed_elements = sa.Table(
    "removed_elements",
    metadata,
    sa.Column("element_id", sa.Text, primary_key=True),
    sa.Column("removed_at", moment, nullable=False),
)
