"""Health, and what is answered while PostgreSQL is away."""

import httpx
import pytest

from admin_module.factory import Services
from artstore_kit.contracts.errors import DatabaseUnavailable, SigningKeyMissing
from artstore_kit.postgres import Database


async def test_all_is_well(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["health"] == "ok"
    assert answer.json()["checks"].keys() == {"postgres", "redis", "signing_key", "revocations", "audit"}


async def test_without_postgres_the_service_is_not_ready_but_keys_are_served(
    client: httpx.AsyncClient, as_element: dict[str, str], fleet: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = (await client.get("/.well-known/jwks.json")).json()

    def away(_: Database) -> None:
        raise DatabaseUnavailable

    for way in ("connect", "reading"):
        monkeypatch.setattr(Database, way, away)
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]["postgres"]["health"]) == (503, "fail")
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/.well-known/jwks.json")).json() == keys
    form = {"grant_type": "client_credentials"}
    auth = httpx.BasicAuth("query-module", fleet["query-module"])
    for answer in (
        await client.post("/api/v1/auth/token", data=form, auth=auth),
        await client.post("/api/v1/auth/login", json={"username": "admin", "password": "x"}),
        await client.get("/api/v1/elements", headers=as_element),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")


async def test_without_a_signing_key_the_service_is_not_ready(
    client: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.keyring, "_keys", [])
    with pytest.raises(SigningKeyMissing):
        await services.keyring.check()
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]["signing_key"]["health"]) == (503, "fail")


async def test_metrics_count_tokens_and_refusals(client: httpx.AsyncClient, fleet: dict[str, str]) -> None:
    for secret in (fleet["query-module"], "wrong"):
        auth = httpx.BasicAuth("query-module", secret)
        await client.post("/api/v1/auth/token", data={"grant_type": "client_credentials"}, auth=auth)
    shown = (await client.get("/metrics")).text
    assert 'artstore_admin_tokens_issued_total{kind="client"}' in shown
    assert 'artstore_admin_tokens_refused_total{code="invalid_client",kind="client"}' in shown
