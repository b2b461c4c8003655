"""Answers to requests under an `Idempotency-Key`."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from admin_module.adapters.tables.schema import metadata, moment

kept_answers = sa.Table(
    "kept_answers",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sealed_answer", BYTEA, nullable=False),
    sa.Column("kept_at", moment, nullable=False, index=True),
)
