"""Roles, and who holds them: those who were administrators may everything, as before."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table; accounts hold none of them yet, administrators hold super_admin."""
    op.create_table(
        "roles",
        sa.Column("name", sa.Text(collation="C"), primary_key=True),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("grants", JSONB, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute("ALTER TABLE service_accounts ADD roles text[] NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE service_accounts ALTER roles DROP DEFAULT")
    op.create_index("service_accounts_roles", "service_accounts", ["roles"], postgresql_using="gin")
    op.execute("ALTER TABLE administrators ADD roles text[] NOT NULL DEFAULT '{super_admin}'")
    op.execute("ALTER TABLE administrators ALTER roles DROP DEFAULT, DROP role")
