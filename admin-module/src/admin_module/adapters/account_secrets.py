"""The hashes of service accounts' secrets, and which of them end soon, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.accounts import account_secrets
from admin_module.domain.secrets import EndingSecret, KeptSecret

_FOREVER: sa.ColumnElement[datetime] = sa.literal_column("'infinity'::timestamptz")
_WARNED_AT_ONCE = 100


async def add_secret(
    connection: AsyncConnection, client_id: str, sha256: bytes, now: datetime, expires_at: datetime | None
) -> None:
    """Let a secret open the account until `expires_at`; nothing happens when it does so already."""
    statement = insert(account_secrets).values(
        client_id=client_id, secret_sha256=sha256, created_at=now, expires_at=expires_at
    )
    await connection.execute(statement.on_conflict_do_nothing())


async def remove_other_secrets(connection: AsyncConnection, client_id: str, sha256: bytes) -> int:
    """Remove every secret of the account but this one; how many that were."""
    others = sa.and_(account_secrets.c.client_id == client_id, account_secrets.c.secret_sha256 != sha256)
    return (await connection.execute(account_secrets.delete().where(others))).rowcount


async def end_secret(connection: AsyncConnection, secret: KeptSecret) -> None:
    """Let a secret end when it says."""
    this = account_secrets.c.secret_sha256 == secret.sha256
    await connection.execute(
        account_secrets.update()
        .where(account_secrets.c.client_id == secret.client_id, this)
        .values(expires_at=secret.expires_at)
    )


async def valid_secrets(connection: AsyncConnection, client_id: str, now: datetime) -> Sequence[KeptSecret]:
    """The account's secrets that have not expired; none for an account that does not exist."""
    usable = sa.or_(account_secrets.c.expires_at.is_(None), account_secrets.c.expires_at > now)
    columns = (account_secrets.c.client_id, account_secrets.c.secret_sha256, account_secrets.c.expires_at)
    rows = await connection.execute(sa.select(*columns).where(account_secrets.c.client_id == client_id, usable))
    return [KeptSecret(*row) for row in rows]


async def take_ending_secrets(connection: AsyncConnection, before: datetime, now: datetime) -> list[EndingSecret]:
    """Some last secrets of accounts that end before `before` and that nobody was warned of; from now on somebody was.

    Another node that asks at the same moment gets others. An account whose older secret ends has been given a newer
    one: of that there is nothing to warn.
    """
    kept, later = account_secrets, account_secrets.alias("later")
    newer = sa.exists().where(
        later.c.client_id == kept.c.client_id, sa.func.coalesce(later.c.expires_at, _FOREVER) > kept.c.expires_at
    )
    key = sa.tuple_(kept.c.client_id, kept.c.secret_sha256)
    ending = (
        sa.select(kept.c.client_id, kept.c.secret_sha256)
        .where(kept.c.warned_at.is_(None), kept.c.expires_at < before, ~newer)
        .order_by(kept.c.expires_at)
        .limit(_WARNED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    taken = kept.update().where(key.in_(ending)).values(warned_at=now)
    rows = await connection.execute(taken.returning(kept.c.client_id, kept.c.created_at, kept.c.expires_at))
    return sorted((EndingSecret(*row) for row in rows), key=lambda each: (each.expires_at, each.client_id))


def last_expiry(client_id: sa.ColumnElement[str]) -> sa.ScalarSelect[datetime | None]:
    """When the last of the account's secrets ends; null when one does not end, or there is none."""
    newest = sa.func.max(sa.func.coalesce(account_secrets.c.expires_at, _FOREVER))
    ends = sa.select(sa.func.nullif(newest, _FOREVER)).where(account_secrets.c.client_id == client_id)
    return ends.scalar_subquery()


def ends_before(client_id: sa.ColumnElement[str], moment: datetime) -> sa.ColumnElement[bool]:
    """Whether the last of the account's secrets ends before `moment`."""
    own = account_secrets.c.client_id == client_id
    later = sa.func.coalesce(account_secrets.c.expires_at, _FOREVER) >= moment
    ending = client_id.in_(sa.select(account_secrets.c.client_id).where(account_secrets.c.expires_at < moment))
    return sa.and_(ending, ~sa.exists().where(own, later))
