"""The audit log: every entry once, in one order, under a tree that shows whatever is changed later."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module import metrics
from admin_module.adapters.audit import Leaf, known_leaves, lock_head, make_partitions, read_tiles, write_leaves
from admin_module.domain.audit import (
    EARLIEST,
    LEAD,
    Deed,
    Month,
    entry_text,
    is_credible,
    leaf_from,
    moment_text,
    tells,
)
from admin_module.domain.clock import Clock
from admin_module.domain.merkle import edge_tiles, grown, leaf_hash
from artstore_kit import request_context
from artstore_kit.contracts.audit import ADMIN_SERVICE, AuditEntry, AuditOutcome, AuditReceipt
from artstore_kit.contracts.errors import AuditLogDamaged, FieldProblem, InvalidFields
from artstore_kit.noted import noted
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal

CONTRADICTED = "entry_contradicted"
"""The code of an entry that was told before, and otherwise."""


class Told(NamedTuple):
    """An entry, as its leaf holds it, and who delivered it."""

    entry: AuditEntry
    text: str
    delivered_by: str = ""


@dataclass(frozen=True)
class AuditLog:
    """Appends to the log. One transaction at a time does so, so that the order of entries is that of their commits."""

    database: Database
    clock: Clock

    async def record(self, connection: AsyncConnection, *deeds: Deed) -> None:
        """Append within the caller's transaction, as the last thing before its commit.

        None, or several. Of a refusal that is recorded here the request leaves no second entry. All others who append
        wait for that commit. What is rolled back leaves no entry.
        """
        if not deeds:
            return
        noted().told = any(deed.outcome is AuditOutcome.REFUSED for deed in deeds)
        now, request_id, address = self.clock(), request_context.request_id.get(), request_context.address()
        await self._append(connection, [deed.entry(now, request_id, address) for deed in deeds])

    async def deliver(self, entries: Sequence[AuditEntry], by: Principal) -> AuditReceipt:
        """`append` what another service tells: the log says who delivered it, and nobody speaks in our name."""
        _require_of_others(entries)
        return await self.append(entries, delivered_by=by.subject)

    async def append(self, entries: Sequence[AuditEntry], *, delivered_by: str = "") -> AuditReceipt:
        """Append those that the log does not have; when it returns, all are on stable storage, once."""
        _require_credible(entries, latest=self.clock() + LEAD)
        async with self.database.transaction() as connection:
            appended = await self._append(connection, entries, delivered_by)
        metrics.AUDIT_ENTRIES.inc(appended)
        return AuditReceipt(appended=appended, known_before=len(entries) - appended)

    async def _append(self, connection: AsyncConnection, entries: Sequence[AuditEntry], delivered_by: str = "") -> int:
        told, doubted = _folded(Told(entry, entry_text(entry), delivered_by) for entry in entries)
        size = await lock_head(connection)
        known = await known_leaves(connection, told)
        fresh = [each for entry_id, each in told.items() if entry_id not in known]
        doubted |= {entry_id for entry_id, leaf in known.items() if not tells(leaf, told[entry_id].text)}
        both = [*fresh, self._doubt(sorted(doubted), delivered_by)] if doubted else fresh
        if both:
            await make_partitions(connection, Month.all_of(each.entry.entry_id for each in both))
            await self._write(connection, size, both)
        return len(fresh)

    def _doubt(self, doubted: Sequence[UUID], delivered_by: str) -> Told:
        """The first to tell an entry is believed; that another told it otherwise is not kept silent."""
        detail = {"entries": len(doubted), "first": str(doubted[0])}
        deed = Deed("audit.contradict", "audit", AuditOutcome.REFUSED, CONTRADICTED, detail, actor=delivered_by)
        entry = deed.entry(self.clock(), request_context.request_id.get(), request_context.address())
        return Told(entry, entry_text(entry))

    async def _write(self, connection: AsyncConnection, size: int, told: Sequence[Told]) -> None:
        now = moment_text(self.clock())
        leaves = [
            Leaf(index, each.entry, leaf_from(index, now, each.text, each.delivered_by))
            for index, each in enumerate(told, size)
        ]
        edge = await read_tiles(connection, edge_tiles(size))
        try:
            tiles = grown(size, edge, [leaf_hash(leaf.content) for leaf in leaves])
        except (KeyError, ValueError) as error:
            raise AuditLogDamaged from error
        await write_leaves(connection, leaves, tiles)


def _folded(told: Iterable[Told]) -> tuple[dict[UUID, Told], set[UUID]]:
    """The first of each id, and the ids under which a later one tells another entry."""
    first, doubted = dict[UUID, Told](), set[UUID]()
    for each in told:
        if first.setdefault(each.entry.entry_id, each).text != each.text:
            doubted.add(each.entry.entry_id)
    return first, doubted


def _require_of_others(entries: Sequence[AuditEntry]) -> None:
    """Whoever steals a service's account must not tell what administrators did, nor excuse what was deleted."""
    wrong = [number for number, entry in enumerate(entries) if entry.service == ADMIN_SERVICE]
    if wrong:
        detail = f"{ADMIN_SERVICE} tells its own deeds itself"
        raise InvalidFields(
            f"{len(wrong)} of the entries cannot be taken: {detail}.",
            errors=[FieldProblem(field=f"body.entries.{number}.service", message=detail) for number in wrong],
        )


def _require_credible(entries: Sequence[AuditEntry], latest: datetime) -> None:
    """A moment that cannot be would make a month of its own, for ever."""
    wrong = [number for number, entry in enumerate(entries) if not is_credible(entry.entry_id, latest)]
    if wrong:
        detail = f"an entry_id is a UUIDv7 of a moment from {EARLIEST.year} on, and not more than a day ahead"
        raise InvalidFields(
            f"{len(wrong)} of the entries cannot be taken: {detail}.",
            errors=[FieldProblem(field=f"body.entries.{number}.entry_id", message=detail) for number in wrong],
        )
