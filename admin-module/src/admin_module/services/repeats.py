"""Requests under an `Idempotency-Key`: carried out once, answered as often as they are sent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.kept_answers import keep_answer, kept_answer
from admin_module.adapters.sealing import SealedKeys
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.repeats import KeptAnswer, Repeatable
from admin_module.services.audit import AuditLog
from artstore_kit.contracts.errors import IdempotencyKeyReused
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class Repeats:
    """The answer is kept in the transaction that does the deed: either both are there or neither.

    A request that is refused leaves nothing, so that it may be corrected and sent again.
    """

    database: Database
    audit: AuditLog
    sealed_keys: SealedKeys
    clock: Clock

    async def once[Answer: BaseModel](
        self,
        asked: Repeatable | None,
        by: Principal,
        shape: type[Answer],
        deed: Callable[[AsyncConnection], Awaitable[Answer]],
    ) -> Answer:
        """What `deed` answers, or answered when it was asked before; in a transaction of its own.

        `IdempotencyKeyReused` when `by` asked for something else under this key.
        """
        async with self.database.transaction() as connection:
            if asked is None:
                return await deed(connection)
            earlier = await self._earlier(connection, asked, by)
            if earlier is not None:
                asked.replayed()
                return shape.model_validate(earlier.answer)
            answer = await deed(connection)
            await self._keep(connection, asked, by, answer)
        return answer

    async def _earlier(self, connection: AsyncConnection, asked: Repeatable, by: Principal) -> KeptAnswer | None:
        name = asked.name(by)
        sealed = await kept_answer(connection, name, self.clock())
        if sealed is None:
            return None
        kept = KeptAnswer.model_validate_json(self.sealed_keys.unseal(name, sealed))
        if not asked.asks(kept):
            raise IdempotencyKeyReused
        await self.audit.record(connection, Deed.by(by, "request.repeat", f"request:{asked.operation}"))
        return kept

    async def _keep(self, connection: AsyncConnection, asked: Repeatable, by: Principal, answer: BaseModel) -> None:
        kept = KeptAnswer(
            operation=asked.operation, body_sha256=asked.body_sha256, answer=answer.model_dump(mode="json")
        )
        name = asked.name(by)
        sealed = self.sealed_keys.seal(name, kept.model_dump_json().encode())
        await keep_answer(connection, name, sealed, self.clock())
