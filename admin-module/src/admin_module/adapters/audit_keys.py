"""The keys that sign the audit log's checkpoints, as PostgreSQL keeps them."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.audit import audit_keys


async def sealed_audit_keys(connection: AsyncConnection) -> dict[str, bytes]:
    """The sealed private half of each, by its name."""
    rows = await connection.execute(sa.select(audit_keys.c.name, audit_keys.c.sealed_private_key))
    return {row.name: row.sealed_private_key for row in rows}
