"""The service as a process: what an operator sees when it starts, and when it does not."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from admin_module.adapters.revocations import write_revocations
from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.tables.revocations import revocations
from admin_module.config import AccountsSettings, Settings
from admin_module.domain.checkpoints import log_name
from admin_module.domain.revocations import token_revoked
from admin_module.services.accounts import Accounts
from admin_module.services.audit import AuditLog
from admin_module.services.checkpoints import Checkpoints
from admin_module.services.repeats import Repeats
from artstore_kit.contracts.audit import AuditEntry, new_entry_id
from artstore_kit.contracts.identity import NewServiceAccount
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.application import free_port
from artstore_kit.testing.clock import MovableClock
from artstore_kit.testing.databases import settings_for
from artstore_kit.testing.fixtures import PostgresServer
from artstore_kit.testing.patience import eventually

DAY = timedelta(days=1)
SPENT = "a token that ended yesterday"
HURRIED = {
    "ARTSTORE_KEYS__ROTATION_HOURS": "0.0005",
    "ARTSTORE_KEYS__PUBLISHED_AHEAD_S": "0.5",
    "ARTSTORE_AUDIT_LOG__RETENTION_DAYS": "365",
    "ARTSTORE_BOOTSTRAP__ADMINISTRATOR_PASSWORD": "correct horse battery",
    "ARTSTORE_LOG__LEVEL": "WARNING",
}
"""A first start where a key signs for two seconds. It does not log each question, for nobody reads it."""

type Environment = dict[str, str]
type Recorded = Callable[[], Awaitable[list[AuditEntry]]]


@pytest.fixture(scope="module")
def environment(
    postgres_server: PostgresServer, redis_url: str, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """Variables of a service on a database that is empty when the module begins."""
    sealing_key = tmp_path_factory.mktemp("secrets") / "sealing-key"
    sealing_key.write_text(settings.keys.sealing_key.get_secret_value())
    port = free_port()
    return {
        "PATH": os.environ["PATH"],
        "ARTSTORE_SERVER__PORT": str(port),
        "ARTSTORE_TOKENS__ISSUER": f"http://127.0.0.1:{port}",
        "ARTSTORE_POSTGRES__URL": settings_for(postgres_server.create_database("admin_module_process")).url,
        "ARTSTORE_REDIS__URL": redis_url,
        "ARTSTORE_AUDIT__SPOOL_DIR": str(sealing_key.with_name("audit")),
        "ARTSTORE_KEYS__SEALING_KEY_FILE": str(sealing_key),
        "ARTSTORE_PUBLIC__ADMIN_URL": f"http://127.0.0.1:{port}",
        "ARTSTORE_PUBLIC__INGESTER_URL": "http://127.0.0.1:1",
        "ARTSTORE_PUBLIC__QUERY_URL": "http://127.0.0.1:1",
    }


@asynccontextmanager
async def running(verb: str, environment: Environment) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "admin_module",
        verb,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()  # it would not end while there is something to read


async def ended(verb: str, environment: Environment) -> tuple[int | None, str]:
    """The exit code and all output of a process that ends by itself."""
    async with running(verb, environment) as process:
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        return process.returncode, output.decode()


async def first_answer(url: str) -> httpx.Response:
    async with asyncio.timeout(20), httpx.AsyncClient() as client:
        while True:
            try:
                return await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def test_without_tables_it_says_how_to_make_them(environment: Environment) -> None:
    code, output = await ended("serve", environment)
    assert code
    assert "run `python -m admin_module migrate` first" in output
    assert "Traceback" not in output


async def test_migrating_makes_them(environment: Environment) -> None:
    assert (await ended("migrate", environment))[0] == 0


async def test_without_a_password_it_says_which_variable_is_missing(environment: Environment) -> None:
    code, output = await ended("serve", environment)
    assert code
    assert "ARTSTORE_BOOTSTRAP__ADMINISTRATOR_PASSWORD: there is no administrator yet" in output
    assert "Traceback" not in output


async def test_it_serves_and_stops_when_it_is_told(environment: Environment) -> None:
    first_start = environment | {"ARTSTORE_BOOTSTRAP__ADMINISTRATOR_PASSWORD": "correct horse battery"}
    async with running("serve", first_start) as process:
        answer = await first_answer(environment["ARTSTORE_PUBLIC__ADMIN_URL"] + "/health/ready")
        assert (answer.status_code, answer.json()["health"]) == (200, "ok")
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), 15)
    assert b"correct horse battery" not in output
    assert b"Traceback" not in output


async def test_with_another_sealing_key_it_does_not_start(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "sealing-key").write_text("A" * 43 + "=")
    code, output = await ended(
        "serve", environment | {"ARTSTORE_KEYS__SEALING_KEY_FILE": str(tmp_path / "sealing-key")}
    )
    assert code
    assert "ARTSTORE_KEYS__SEALING_KEY: does not open the signing keys in the database" in output
    assert "Traceback" not in output


async def test_the_sealing_key_is_exchanged(environment: Environment, tmp_path: Path) -> None:
    """`reseal` beside a stopped service; from then on the old key is of no use."""
    old = Path(environment["ARTSTORE_KEYS__SEALING_KEY_FILE"])
    (tmp_path / "new").write_text("A" * 43 + "=")
    new = environment | {"ARTSTORE_KEYS__SEALING_KEY_FILE": str(tmp_path / "new")}
    code, output = await ended("reseal", new)
    assert (code, "ARTSTORE_KEYS__PREVIOUS_SEALING_KEYS" in output, "Traceback" in output) == (1, True, False)
    for count in (3, 0):  # two keys that sign tokens, and the one of the audit log
        code, output = await ended("reseal", new | {"ARTSTORE_KEYS__PREVIOUS_SEALING_KEYS_FILE": str(old)})
        assert (code, output.splitlines()[-1]) == (0, f"{count} secrets were sealed anew.")
    assert (await ended("serve", environment))[0]
    async with running("serve", new):
        answer = await first_answer(environment["ARTSTORE_PUBLIC__ADMIN_URL"] + "/health/ready")
        assert answer.json()["health"] == "ok"


@pytest.fixture
async def long_served(
    environment: Environment,
    database: Database,
    audit: AuditLog,
    sealed_keys: SealedKeys,
    repeats: Repeats,
    ada: Principal,
    clock: MovableClock,
) -> Environment:
    """Variables of a service whose database holds an old month, a secret near its end, and an ended revocation."""
    clock.move(-2 * 365 * DAY)
    entry_id = new_entry_id(int(clock().timestamp() * 1000))
    await audit.append([AuditEntry(entry_id=entry_id, service="query-module", action="file.read")])
    clock.move(2 * 365 * DAY)
    accounts = Accounts(database, audit, repeats, AccountsSettings(secret_lifetime_days=3), clock)
    await accounts.create(NewServiceAccount(client_id="scanner"), by=ada)
    checkpoints = Checkpoints(database, audit, sealed_keys, log_name(environment["ARTSTORE_TOKENS__ISSUER"]), clock)
    await checkpoints.open()
    await checkpoints.sign_if_due()
    async with database.transaction() as connection:
        await write_revocations(connection, token_revoked(SPENT, clock() - DAY))
    postgres = {"ARTSTORE_POSTGRES__URL": database.settings.url}
    return environment | HURRIED | postgres


async def test_what_time_brings_is_done_by_itself(
    long_served: Environment, database: Database, recorded: Recorded
) -> None:
    """Nobody asks: old entries and ended revocations go, whose secret ends is told, and keys take turns."""

    async def told() -> set[tuple[str, str]]:
        return {(entry.action, entry.resource) for entry in await recorded()}

    async def is_told_and_gone() -> bool:
        async with database.connect() as connection:
            known = set(await connection.scalars(revocations.select().with_only_columns(revocations.c.name)))
        due = {("account.secret_expiring", "account:scanner"), ("audit.expire", "audit")}
        return due <= await told() and SPENT not in known

    url = long_served["ARTSTORE_PUBLIC__ADMIN_URL"] + "/.well-known/jwks.json"
    async with running("serve", long_served), httpx.AsyncClient() as client:
        at_first = kids(await first_answer(url))
        assert len(at_first) == 2
        await eventually(is_told_and_gone, within_s=10)

        async def has_another_key() -> bool:
            return bool(kids(await client.get(url)) - at_first)

        await eventually(has_another_key, within_s=40)
    (expired,) = [entry for entry in await recorded() if entry.action == "audit.expire"]
    assert expired.detail["entries"] == 1


def kids(answer: httpx.Response) -> set[str]:
    return {key["kid"] for key in answer.json()["keys"]}
