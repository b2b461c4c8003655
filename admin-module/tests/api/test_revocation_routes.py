"""Whoever revokes is heard by this service itself, by Redis, and by all who ask."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import jwt
import pytest
from redis.asyncio import Redis

from admin_module.factory import Services
from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.revocations import REVOCATIONS_CHANNEL
from artstore_kit.testing.patience import eventually

PATH = "/api/v1/revocations"
FORM = {"grant_type": "client_credentials"}


async def token_of(client: httpx.AsyncClient, name: str, secret: str, **more: str) -> str:
    answer = await client.post("/api/v1/auth/token", data=FORM | more, auth=httpx.BasicAuth(name, secret))
    return str(answer.json()["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def revoke_subject(services: Services, name: str) -> None:
    async with services.revocations.database.transaction() as connection:
        await services.revocations.revoke_subject(connection, name)


async def test_what_was_revoked_is_told(
    client: httpx.AsyncClient, services: Services, as_element: dict[str, str]
) -> None:
    await revoke_subject(services, "somebody")
    answer = (await client.get(PATH, headers=as_element)).json()
    (entry,) = [each for each in answer["items"] if each["name"] == "somebody"]
    assert (entry["kind"], entry["before"] < entry["ends_at"]) == ("subject", True)
    later = quote((datetime.fromisoformat(answer["as_of"]) + timedelta(minutes=2)).isoformat())
    assert (await client.get(f"{PATH}?after={later}", headers=as_element)).json()["items"] == []


async def test_not_everybody_is_told(client: httpx.AsyncClient, fleet: dict[str, str]) -> None:
    token = await token_of(client, "ingester-module", fleet["ingester-module"], scope=Scope.FILES_READ.value)
    for headers, status, code in ((bearer(token), 403, "scope_missing"), ({}, 401, "not_authenticated")):
        answer = await client.get(PATH, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("after", ["yesterday", "2026-01-01T00:00:00"])
async def test_a_moment_has_a_zone(client: httpx.AsyncClient, as_element: dict[str, str], after: str) -> None:
    answer = await client.get(PATH, params={"after": after}, headers=as_element)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


async def test_a_revoked_account_gets_in_again_with_a_new_token_alone(
    client: httpx.AsyncClient, services: Services, fleet: dict[str, str]
) -> None:
    name, secret = "query-module", fleet["query-module"]
    old = await token_of(client, name, secret)
    assert (await client.get(PATH, headers=bearer(old))).status_code == 200
    await revoke_subject(services, name)

    async def is_refused() -> bool:
        return (await client.get(PATH, headers=bearer(old))).status_code == 401

    await eventually(is_refused)
    new = await token_of(client, name, secret)
    assert jwt.decode(new, options={"verify_signature": False})["iat"] > datetime.now(UTC).timestamp()
    assert (await client.get(PATH, headers=bearer(new))).status_code == 200
    shown = (await client.get("/metrics")).text
    assert 'artstore_revocations_known{kind="subject"}' in shown


async def test_a_revocation_is_told_through_redis(client: httpx.AsyncClient, services: Services, redis: Redis) -> None:
    assert (await client.get("/health/ready")).json()["checks"]["revocations"]["health"] == "ok"
    async with redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(REVOCATIONS_CHANNEL)
        await channel.get_message(timeout=5)
        await revoke_subject(services, "another")
        async with asyncio.timeout(5):
            while await channel.get_message(timeout=5) is None:
                pass


async def test_a_redis_that_is_away_hinders_nobody(
    client: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(Redis, "publish", away)
    await services.issuer.heard([])
    shown = (await client.get("/metrics")).text
    assert 'artstore_admin_wake_ups_total{outcome="failed"} 1.0' in shown
