"""Approvals in PostgreSQL."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.approvals import approvals
from artstore_kit.contracts.approvals import Approval, ApprovalState

_OPEN = (ApprovalState.PENDING.value, ApprovalState.APPROVED.value)


async def insert_approval(connection: AsyncConnection, approval: Approval) -> None:
    """Add one that was asked for."""
    await connection.execute(approvals.insert().values(approval.model_dump()))


async def approval_to_change(connection: AsyncConnection, approval_id: UUID) -> Approval | None:
    """The approval as it was written; until the transaction ends nobody else changes it."""
    statement = approvals.select().where(approvals.c.approval_id == approval_id).with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _approval(row)


async def update_approval(connection: AsyncConnection, approval_id: UUID, changes: Mapping[str, object]) -> None:
    """Set what is named."""
    await connection.execute(approvals.update().where(approvals.c.approval_id == approval_id).values(changes))


async def find_approval(connection: AsyncConnection, approval_id: UUID) -> Approval | None:
    """The approval as it was written."""
    row = (await connection.execute(approvals.select().where(approvals.c.approval_id == approval_id))).one_or_none()
    return None if row is None else _approval(row)


async def approvals_before(
    connection: AsyncConnection, last: UUID | None, state: ApprovalState | None, now: datetime, limit: int
) -> list[Approval]:
    """At most `limit` approvals, newest first, from the one before `last` on."""
    statement = approvals.select().order_by(approvals.c.approval_id.desc()).limit(limit)
    if last is not None:
        statement = statement.where(approvals.c.approval_id < last)
    if state is not None:
        statement = statement.where(_is(state, now))
    return [_approval(row) for row in await connection.execute(statement)]


def _is(state: ApprovalState, now: datetime) -> sa.ColumnElement[bool]:
    if state is ApprovalState.EXPIRED:
        return approvals.c.state.in_(_OPEN) & (approvals.c.expires_at <= now)
    found = approvals.c.state == state.value
    return found & (approvals.c.expires_at > now) if state.value in _OPEN else found


def _approval(row: sa.Row[tuple[object, ...]]) -> Approval:
    return Approval.model_validate(row, from_attributes=True)
