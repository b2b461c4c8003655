"""The list of revocations while PostgreSQL is stopped: a service that starts then knows whom to refuse."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
import pytest

from admin_module.config import Settings
from admin_module.factory import Services
from admin_module.services.known_revocations import KnownRevocations
from artstore_kit.contracts.errors import DatabaseUnavailable, NotAuthenticated
from artstore_kit.contracts.revocations import Revocation, RevocationKind, RevocationList
from artstore_kit.testing.patience import eventually
from artstore_kit.tokens.bearer import TokenVerifier
from tools.fleet.databases import PostgresCluster
from tools.fleet.for_tests import temporary_postgres_server
from tools.fleet.postgres import PostgresServer

PATH = "/api/v1/revocations"


@pytest.fixture(scope="module")
def stoppable() -> Iterator[PostgresServer]:
    """A server that serves this module alone."""
    with temporary_postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def postgres_server(stoppable: PostgresServer) -> PostgresCluster:
    """In the place of the run's own."""
    return stoppable.cluster


@pytest.fixture
async def stopped(stoppable: PostgresServer, services: Services) -> PostgresServer:
    """The server, stopped after this service has read that `as_second` is revoked."""
    async with services.revocations.database.transaction() as connection:
        await services.revocations.revoke_subject(connection, "second")
    await services.issuer.revocations(None)
    await asyncio.to_thread(stoppable.stop)
    return stoppable


@dataclass(frozen=True)
class Asking:
    """The issuer of a service, which asks the admin module over HTTP."""

    client: httpx.AsyncClient
    headers: dict[str, str]
    pull_every_s: float = 20.0

    async def keys(self) -> Mapping[str, object]:
        found: Mapping[str, object] = (await self.client.get("/.well-known/jwks.json")).json()
        return found

    async def revocations(self, after: datetime | None) -> RevocationList:
        answer = await self.client.get(PATH, headers=self.headers)
        return RevocationList.model_validate_json(answer.raise_for_status().content)

    async def heard(self, fresh: Sequence[Revocation]) -> None: ...


async def test_a_service_that_starts_meanwhile_takes_the_good_and_refuses_the_revoked(
    client: httpx.AsyncClient,
    as_element: dict[str, str],
    as_second: dict[str, str],
    settings: Settings,
    services: Services,
    stopped: PostgresServer,
) -> None:
    verifier = TokenVerifier(settings.tokens, Asking(client, as_element))
    assert (await verifier.authenticate(as_element["Authorization"])).subject == "storage-element"
    with pytest.raises(NotAuthenticated, match="revoked"):
        await verifier.authenticate(as_second["Authorization"])

    never_read = KnownRevocations(services.revocations, services.revocations.clock)
    with pytest.raises(DatabaseUnavailable):
        await never_read.after(None)

    before = (await client.get(PATH, headers=as_element)).json()
    await asyncio.to_thread(stopped.start)
    async with services.revocations.database.transaction() as connection:
        await services.revocations.revoke_key(connection, "a-key")
    assert RevocationKind.KEY not in {each["kind"] for each in before["items"]}
    await eventually(lambda: _told(client, as_element, before["as_of"], "a-key"))


async def _told(client: httpx.AsyncClient, headers: dict[str, str], after: str, name: str) -> bool:
    answer = await client.get(PATH, params={"after": after}, headers=headers)
    return name in {each["name"] for each in answer.raise_for_status().json()["items"]}
