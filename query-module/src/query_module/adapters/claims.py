"""Which node follows which element: advisory locks, held by one connection for all of them."""

import asyncio
from contextlib import AsyncExitStack, suppress

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.postgres import Database

NAMESPACE = 0x464F4C4C
"""Any number will do, if it is the same on all nodes and used for nothing else."""

_TAKE = sa.text("SELECT pg_try_advisory_lock(:namespace, hashtext(:element_id))")
_GIVE = sa.text("SELECT pg_advisory_unlock(:namespace, hashtext(:element_id))")
_STILL_THERE = sa.text("SELECT true")


class Claims:
    """Saves work, not data: when two nodes follow for a moment, the cursor lets only one of them move it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stack = AsyncExitStack()
        self._connection: AsyncConnection | None = None
        self._held: set[str] = set()
        self._turn = asyncio.Lock()

    async def hold(self, element_id: str) -> bool:
        """Whether this node is the one that follows `element_id`; takes the claim if it is free."""
        async with self._turn:
            statement = _STILL_THERE if element_id in self._held else _TAKE
            held = await self._ask(statement, element_id)
            if held:
                self._held.add(element_id)
            return held

    async def release(self, element_id: str) -> None:
        """Let another node follow. Without a connection nothing is held any more."""
        async with self._turn:
            if element_id in self._held:
                with suppress(DatabaseUnavailable):
                    await self._ask(_GIVE, element_id)
                self._held.discard(element_id)

    async def close(self) -> None:
        """Give all claims up."""
        async with self._turn:
            if self._connection is not None:
                # A pooled connection outlives its use, and the locks live as long as it does.
                await self._connection.invalidate()
            await self._drop()

    async def _ask(self, statement: sa.TextClause, element_id: str) -> bool:
        try:
            if self._connection is None:
                self._connection = await self._stack.enter_async_context(self._database.connect())
                await self._connection.execution_options(isolation_level="AUTOCOMMIT")
            values = {"namespace": NAMESPACE, "element_id": element_id} if statement.compile().params else {}
            return bool((await self._connection.execute(statement, values)).scalar_one())
        except DatabaseUnavailable:
            await self._drop()
            raise

    async def _drop(self) -> None:
        self._held.clear()
        self._connection = None
        await self._stack.aclose()
