"""The tables of the search index, as queries name them; `migrations` makes them."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

_metadata = sa.MetaData()

files = sa.Table(
    "files",
    _metadata,
    sa.Column("file_id", sa.Uuid, primary_key=True),
    sa.Column("element_id", sa.Text),
    sa.Column("lsn", sa.BigInteger),
    sa.Column("sweep", sa.Integer),
    sa.Column("revision", sa.Integer),
    sa.Column("collection", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("media_type", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("uploaded_by", sa.Text),
    sa.Column("uploaded_at", sa.DateTime(timezone=True)),
    sa.Column("tags", pg.ARRAY(sa.Text)),
    sa.Column("attributes", pg.JSON),
    sa.Column("tsv", pg.TSVECTOR),
)

cursors = sa.Table(
    "follow_cursors",
    _metadata,
    sa.Column("element_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.Text),
    sa.Column("lsn", sa.BigInteger),
    sa.Column("sweep", sa.Integer),
    sa.Column("sweeping", sa.Boolean),
)
