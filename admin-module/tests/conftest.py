"""One application for each test module, on a database that its first start has furnished."""

import base64
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.administrators import insert_administrator
from admin_module.adapters.passwords import Passwords
from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.tables.administrators import administrators
from admin_module.adapters.tables.audit import audit_entries
from admin_module.adapters.tallies import SharedTallies, TalliesInMemory, TalliesInRedis
from admin_module.config import BootstrapSettings, KeysSettings, LimitsSettings, PublicSettings, Settings
from admin_module.domain.administrators import Administrator
from admin_module.domain.limits import Limits
from admin_module.domain.metadata import server_metadata
from admin_module.domain.proofs import AssertionRules
from admin_module.domain.sessions import Lifetimes
from admin_module.domain.subjects import administrator
from admin_module.factory import Services
from admin_module.main import create_app
from admin_module.services.approvals import Approvals
from admin_module.services.audit import AuditLog
from admin_module.services.clients import Clients
from admin_module.services.credentials import Gate
from admin_module.services.first_start import FirstStart
from admin_module.services.keyring import Keyring
from admin_module.services.login import Login
from admin_module.services.repeats import Repeats
from admin_module.services.revocations import Revocations
from admin_module.services.rights import effective_rights
from admin_module.services.second_factor import SecondFactor
from admin_module.services.sessions import Sessions
from admin_module.services.tokens import issued
from artstore_kit.application import Application
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.redis import RedisClient
from artstore_kit.settings import AuditSettings, PostgresSettings, RedisSettings, ServerSettings, TokenSettings
from artstore_kit.testing.application import open_client
from artstore_kit.testing.client_keys import client_key
from artstore_kit.testing.clock import MovableClock
from artstore_kit.testing.oauth import Desk

ISSUER = "http://admin.test"
FIRST_PASSWORD = "shown once by the launcher"
PASSWORD = "correct horse battery staple"
EVERYTHING_GRANTED = Grant(collection="*", actions=frozenset(Action))
UNLIMITED = LimitsSettings(
    client_failures_limit=100_000, address_failures_limit=100_000, requests_per_minute_limit=100_000
)
"""Tests that are not of limits refuse each other nothing."""
EVERYTHING = [EVERYTHING_GRANTED.model_dump(mode="json")]

type Fleet = dict[str, str]
type HeadersOf = Callable[[str, str], Awaitable[dict[str, str]]]
type FirstStartWith = Callable[..., FirstStart]
type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
type SettingsOf = Callable[[PostgresSettings], Settings]


@pytest.fixture(scope="session")
def service_package() -> str:
    """Whose migrations are run."""
    return "admin_module"


@pytest.fixture(scope="session")
def password() -> str:
    """The first administrator's, who has changed the one of the settings to it."""
    return PASSWORD


@pytest.fixture(scope="session")
def first_password() -> str:
    """The first administrator's at the first start; good for changing it."""
    return FIRST_PASSWORD


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """The fleet's own accounts and their secrets."""
    return {name: secrets.token_urlsafe(32) for name in ("storage-element", "ingester-module", "query-module")}


@pytest.fixture(scope="session")
def settings_of(redis_url: str, fleet: Fleet, new_spool: Callable[[], AuditSettings]) -> SettingsOf:
    """Settings of an admin module on a given database."""
    keys = KeysSettings.model_validate({"sealing_key": base64.b64encode(secrets.token_bytes(32)).decode()})
    bootstrap = {"administrator_password": FIRST_PASSWORD, "accounts": json.dumps(_accounts(fleet))}

    def settings(postgres: PostgresSettings) -> Settings:
        return Settings(
            server=ServerSettings(port=0),
            tokens=TokenSettings(issuer=ISSUER),
            postgres=postgres,
            redis=RedisSettings(url=redis_url),
            audit=new_spool(),
            keys=keys,
            bootstrap=BootstrapSettings.model_validate(bootstrap),
            limits=UNLIMITED,
            public=PublicSettings(
                admin_url="https://store.test", ingester_url="https://in.store.test", query_url="https://out.store.test"
            ),
        )

    return settings


@pytest.fixture(scope="module")
def settings(migrated_postgres: PostgresSettings, settings_of: SettingsOf) -> Settings:
    """Settings of this module's application."""
    return settings_of(migrated_postgres)


@pytest.fixture
def other_node(settings: Settings, new_spool: Callable[[], AuditSettings]) -> Settings:
    """Settings of a second node on the same database: it has a spool of its own."""
    return settings.model_copy(update={"audit": new_spool()})


@pytest.fixture(scope="module")
def app(settings: Settings) -> Application:
    """This module's application; `client` starts it."""
    return create_app(settings)


@pytest.fixture(scope="module")
async def client(app: Application) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running application, who shows no token; the first administrator has changed their password."""
    change = {"username": "admin", "old_password": FIRST_PASSWORD, "new_password": PASSWORD}
    async with open_client(app) as client:
        assert (await client.post("/api/v1/auth/password", json=change)).status_code == 204
        yield client


@pytest.fixture
def services(client: httpx.AsyncClient, app: Application) -> Services:
    """The running application's services."""
    services: Services = app.state.services
    return services


@pytest.fixture(scope="module")
async def as_administrator(client: httpx.AsyncClient) -> dict[str, str]:
    """Headers of the administrator's requests."""
    answer = await client.post("/api/v1/auth/login", json={"username": "admin", "password": PASSWORD})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture
def headers_of(services: Services) -> HeadersOf:
    """Headers of the requests of an administrator of this name and role, who is made."""

    async def make(name: str, role: str) -> dict[str, str]:
        row = {"username": name, "password_hash": "", "roles": [role], "created_at": datetime.now(UTC)}
        async with services.accounts.database.transaction() as connection:
            await connection.execute(insert(administrators).values(row).on_conflict_do_nothing())
            rights = await effective_rights(connection, [role])
        answer = await issued(services.keyring, "administrator", administrator(name, [role], rights), datetime.now(UTC))
        return {"Authorization": f"Bearer {answer.access_token}"}

    return make


@pytest.fixture
async def as_second(headers_of: HeadersOf) -> dict[str, str]:
    """Headers of a second administrator."""
    return await headers_of("second", "super_admin")


@pytest.fixture(scope="module")
async def as_element(client: httpx.AsyncClient, fleet: Fleet) -> dict[str, str]:
    """Headers of a storage element's requests."""
    form = {"grant_type": "client_credentials"}
    auth = httpx.BasicAuth("storage-element", fleet["storage-element"])
    answer = await client.post("/api/v1/auth/token", data=form, auth=auth)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture(scope="module")
async def desk(client: httpx.AsyncClient, as_administrator: dict[str, str]) -> Desk:
    """The OAuth endpoints with two clients: one asks for tokens, one may also ask about others' and revoke them."""
    scopes = {"scanner": ["files:read", "files:write"], "inspector": ["tokens:introspect", "tokens:revoke"]}
    secrets = {}
    for name, held in scopes.items():
        new = {"client_id": name, "scopes": held, "jwks": client_key("RS256").jwk if name == "scanner" else None}
        answer = await client.post("/api/v1/service-accounts", json=new, headers=as_administrator)
        secrets[name] = answer.json()["client_secret"]
    return Desk(client, secrets)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock.starting_now()


@pytest.fixture
def sealed_keys(settings: Settings) -> SealedKeys:
    return SealedKeys(settings.keys.sealing_key_bytes)


@pytest.fixture
def ada() -> Principal:
    """An administrator who asks for something."""
    return Principal("ada", "artstore-login", frozenset(Scope), (EVERYTHING_GRANTED,), frozenset(), 0)


@pytest.fixture
def audit(database: Database, clock: MovableClock) -> AuditLog:
    return AuditLog(database, clock)


@pytest.fixture
def repeats(database: Database, audit: AuditLog, sealed_keys: SealedKeys, clock: MovableClock) -> Repeats:
    return Repeats(database, audit, sealed_keys, clock)


@pytest.fixture
def doomed_repeats(doomed: Database, sealed_keys: SealedKeys, clock: MovableClock) -> Repeats:
    return Repeats(doomed, AuditLog(doomed, clock), sealed_keys, clock)


@pytest.fixture
async def approvals(database: Database, audit: AuditLog, repeats: Repeats, clock: MovableClock) -> Approvals:
    """Four eyes, with the administrators `ada` and `bob`, who may everything."""
    async with database.transaction() as connection:
        for name in ("ada", "bob"):
            row = {"username": name, "password_hash": "", "roles": ["super_admin"], "created_at": clock()}
            await connection.execute(administrators.insert().values(row))
    return Approvals(database, audit, repeats, timedelta(days=1), clock)


@pytest.fixture
def recorded(database: Database) -> Recorded:
    """All that is in the audit log, in its order."""

    async def read() -> list[AuditEntry]:
        async with database.connect() as connection:
            leaves = await connection.scalars(sa.select(audit_entries.c.leaf).order_by(audit_entries.c.index))
            return [AuditEntry.model_validate(json.loads(leaf)["entry"]) for leaf in leaves]

    return read


class CommitLost(Exception):
    """The commit did not happen."""


class DoomedDatabase(Database):
    """Every transaction fails when it is about to be committed."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """One that is rolled back with `CommitLost`."""
        async with super().transaction() as connection:
            yield connection
            raise CommitLost("CommitLost")


@pytest.fixture
async def doomed(postgres: PostgresSettings) -> AsyncIterator[Database]:
    """The module's database, where no commit succeeds: an exception named CommitLost leaves every transaction."""
    database = DoomedDatabase(postgres, "tests")
    yield database
    await database.close()


@pytest.fixture
def first_start(
    database: Database, audit: AuditLog, settings: Settings, sealed_keys: SealedKeys, clock: MovableClock
) -> FirstStartWith:
    """A first start with the usual settings, or with others in their place."""

    def make(bootstrap: BootstrapSettings = settings.bootstrap) -> FirstStart:
        return FirstStart(database, audit, bootstrap, Passwords(), sealed_keys, Revocations(database, clock), clock)

    return make


@pytest.fixture
def keyring(database: Database, settings: Settings, sealed_keys: SealedKeys, clock: MovableClock) -> Keyring:
    """A keyring that has not been opened."""
    return Keyring(database, sealed_keys, settings.tokens, clock)


@pytest.fixture
def limits() -> LimitsSettings:
    """Those of `clients`; overridden by tests of them."""
    return UNLIMITED


@pytest.fixture
def make_node(
    database: Database, redis: RedisClient, settings: Settings, limits: LimitsSettings, clock: MovableClock
) -> Callable[[], Clients]:
    """Makes the authentication of clients of one more node."""

    def make() -> Clients:
        tallies = SharedTallies(TalliesInRedis(redis), TalliesInMemory())
        metadata = server_metadata(settings.tokens.issuer, settings.public.admin_url)
        rules = AssertionRules(metadata.audiences, limits.assertion_lifetime_s)
        return Clients(database, tallies, Limits(limits), rules, clock)

    return make


@pytest.fixture
def clients(make_node: Callable[[], Clients]) -> Clients:
    """Authentication of clients, at one node."""
    return make_node()


@pytest.fixture
async def sessions(
    database: Database, audit: AuditLog, keyring: Keyring, first_start: Callable[[], FirstStart], clock: MovableClock
) -> Sessions:
    """Sessions in a furnished database."""
    await first_start().run()
    await keyring.open()
    lifetimes = Lifetimes(timedelta(hours=12), timedelta(days=7))
    return Sessions(database, audit, keyring, Revocations(database, clock), lifetimes, clock)


@pytest.fixture
async def login(sessions: Sessions, grace: Administrator, clients: Clients, sealed_keys: SealedKeys) -> Login:
    """The door."""
    passwords, clock = Passwords(), sessions.clock
    factor, tallies = SecondFactor(sealed_keys, clock), clients.tallies
    gate = Gate(sessions.database, sessions.audit, passwords, factor, tallies, clients.limits, clock)
    return Login(sessions.database, sessions.audit, gate, passwords, sessions)


@pytest.fixture
async def grace(sessions: Sessions, password: str) -> Administrator:
    """An administrator whose password is not a temporary one."""
    grace = Administrator("grace", await Passwords().hashed(password), ("super_admin",), "Grace Hopper")
    async with sessions.database.transaction() as connection:
        await insert_administrator(connection, grace, sessions.clock())
    return grace


def _accounts(fleet: Fleet) -> list[dict[str, object]]:
    scopes = {
        "storage-element": [Scope.ELEMENTS_WRITE, Scope.ELEMENTS_READ, Scope.APPROVALS_USE],
        "ingester-module": [Scope.FILES_WRITE, Scope.FILES_READ, Scope.ELEMENTS_READ, Scope.FLEET_ACT_FOR],
        "query-module": [Scope.FILES_READ, Scope.ELEMENTS_READ, Scope.FLEET_ACT_FOR],
    }
    return [
        {"client_id": name, "client_secret": secret, "scopes": scopes[name], "grants": EVERYTHING, "description": ""}
        for name, secret in fleet.items()
    ]
