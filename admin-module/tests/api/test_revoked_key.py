"""Whoever holds a signing key that was revoked gets nothing for it, however long ago that was."""

import time

import httpx
import jwt
import sqlalchemy as sa

from admin_module.adapters.tables.audit import audit_entries
from admin_module.adapters.tables.revocations import revocations
from admin_module.factory import Services
from artstore_kit.principal import Principal
from artstore_kit.testing.oauth import Desk

ADA = Principal("ada", "artstore-login", frozenset(), (), frozenset(), 0)


async def forget_revocations(services: Services) -> None:
    """As time does."""
    async with services.keyring._database.transaction() as connection:
        await connection.execute(revocations.delete())


async def test_a_key_whose_revocation_is_forgotten(client: httpx.AsyncClient, desk: Desk, services: Services) -> None:
    kid, stolen = await services.keyring._signer()
    now = int(time.time())
    claims = {"iss": "http://admin.test", "aud": "artstore", "sub": "scanner", "client_id": "scanner", "scope": "x"}
    moments = {"iat": now, "exp": now + 60}
    forged = jwt.encode(claims | moments | {"jti": "forged"}, stolen, "RS256", headers={"kid": kid, "typ": "at+jwt"})
    assert (await desk.state(forged))["active"]
    await services.key_life.revoke(kid, ADA)
    assert not (await desk.state(forged))["active"]

    await forget_revocations(services)
    assert await desk.state(forged) == {"active": False}
    await desk.revoke(forged)
    async with services.keyring._database.connect() as connection:
        told = sa.select(sa.func.count()).select_from(audit_entries).where(audit_entries.c.action == "token.revoke")
        assert await connection.scalar(told) == 0
    assert (await desk.state(await desk.token()))["active"]
