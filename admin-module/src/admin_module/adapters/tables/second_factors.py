"""Second factors of administrators."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from admin_module.adapters.tables.schema import metadata, moment

second_factors = sa.Table(
    "second_factors",
    metadata,
    sa.Column("username", sa.ForeignKey("administrators.username", ondelete="CASCADE"), primary_key=True),
    sa.Column("sealed_secret", BYTEA, nullable=False),
    sa.Column("confirmed_at", moment),
    sa.Column("last_step", sa.BigInteger, nullable=False),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("username", sa.ForeignKey("second_factors.username", ondelete="CASCADE"), primary_key=True),
    sa.Column("code_sha256", BYTEA, primary_key=True),
)
