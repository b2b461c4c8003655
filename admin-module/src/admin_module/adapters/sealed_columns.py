"""Where sealed secrets are in the database: each table that keeps one is named here, so that none is forgotten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.audit import audit_keys
from admin_module.adapters.tables.kept_answers import kept_answers
from admin_module.adapters.tables.second_factors import second_factors
from admin_module.adapters.tables.signing_keys import signing_keys


@dataclass(frozen=True)
class SealedColumn:
    """A column of sealed secrets; `name` is the column whose value is bound to the seal.

    `noun` is what has that name, as the audit log calls it.
    """

    noun: str
    table: sa.Table
    name: str
    sealed: str

    async def rows(self, connection: AsyncConnection) -> Sequence[tuple[str, bytes]]:
        """Name and secret, of all that have one."""
        name, sealed = self.table.c[self.name], self.table.c[self.sealed]
        found = await connection.execute(sa.select(name, sealed).where(sa.func.octet_length(sealed) > 0).order_by(name))
        return [(row[0], row[1]) for row in found]

    async def replace(self, connection: AsyncConnection, name: str, old: bytes, new: bytes) -> bool:
        """Put `new` in the place of `old`; False when another node was there before."""
        statement = self.table.update().where(self.table.c[self.name] == name, self.table.c[self.sealed] == old)
        return (await connection.execute(statement.values({self.sealed: new}))).rowcount == 1


def sealed_columns() -> Iterator[SealedColumn]:
    """All of them."""
    yield SealedColumn("key", signing_keys, "kid", "sealed_private_key")
    yield SealedColumn("key", audit_keys, "name", "sealed_private_key")
    yield SealedColumn("administrator", second_factors, "username", "sealed_secret")
    yield SealedColumn("answer", kept_answers, "name", "sealed_answer")
