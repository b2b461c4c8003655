"""The audit log and the admin API beside it: appends, proofs in a large tree, and answers from full tables."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

import httpx
import sqlalchemy as sa
from pydantic import SecretStr

from admin_module.adapters.account_secrets import add_secret
from admin_module.adapters.accounts import insert_account
from admin_module.domain.accounts import account_of
from admin_module.domain.secrets import hashed
from artstore_kit.contracts.audit import ENTRIES_AT_ONCE
from artstore_kit.contracts.identity import NewServiceAccount, Scope
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from bench.audit_fill import Rows, batches, fill
from bench.bed import Bed
from bench.figures import Aim, Figure, Role, percentiles
from bench.jobs import Fetch, carry_out
from bench.plan import Plan
from bench.rounds import Contestant, interleaved

ACCOUNT = "bench-auditor"
SENDERS = 2
APPENDS = f"audit appends, batches of 1,000, {SENDERS} senders"
LEAST_PER_S, PROOF_WITHIN_MS = 10_000, 20
_STATEMENT_TIMEOUT_S = 300.0


def figures(bed: Bed, plan: Plan) -> Sequence[Figure]:
    """Appends first, while the log is short; then proofs and answers in a long one, then proofs in a longer one."""
    asyncio.run(_account(bed))
    appended = interleaved([_appends(bed, plan)], plan.runs, bed.settle, bed.tell)
    rows = asyncio.run(_filled(bed, plan.audit_entries, plan.accounts, with_rows=True))
    asked = [*_proofs(bed, plan, plan.audit_entries), *_answers(bed, plan, rows)]
    answered = interleaved(asked, plan.runs, bed.settle, bed.tell)
    asyncio.run(_filled(bed, plan.audit_tree, plan.accounts, with_rows=False))
    proved = interleaved(list(_proofs(bed, plan, plan.audit_tree)), plan.runs, bed.settle, bed.tell)
    return [*appended, *answered, *proved]


def aims(plan: Plan) -> Iterator[Aim]:
    """The issue's own."""
    yield Aim(f"{LEAST_PER_S:,} audit entries/s appended in batches", APPENDS, at_least=LEAST_PER_S)
    for kind in ("inclusion", "consistency"):
        name = f"{_proof(kind, plan.audit_tree)}, p95"
        yield Aim(
            f"proof of {kind} under {PROOF_WITHIN_MS} ms at {plan.audit_tree:,} entries", name, at_most=PROOF_WITHIN_MS
        )


def _appends(bed: Bed, plan: Plan) -> Contestant:
    def measure() -> float:
        each = max(2, int(plan.seconds * 5))
        bodies = [list(itertools.islice(batches(ENTRIES_AT_ONCE), each)) for _ in range(SENDERS)]
        send = partial(_send, bed.fleet.url("admin"), bed.headers(ACCOUNT))
        began = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as senders:
            appended = sum(senders.map(send, bodies))
        return appended / (time.perf_counter() - began)

    return Contestant(APPENDS, Role.ARTSTORE, "entries/s", measure)


def _send(url: str, headers: Mapping[str, str], bodies: Sequence[bytes]) -> int:
    with httpx.Client(base_url=url, headers={**headers, "Content-Type": "application/json"}, timeout=60) as client:
        answers = [client.post("/api/v1/audit/entries", content=body).raise_for_status() for body in bodies]
    return sum(answer.json()["appended"] for answer in answers)


def _proof(kind: str, size: int) -> str:
    return f"proof of {kind}, {size:,} entries"


def _proofs(bed: Bed, plan: Plan, size: int) -> Iterator[Contestant]:
    """Places and sizes all over the tree, each asked once."""
    places = [size * number // plan.questions for number in range(plan.questions)]
    yield _fetch(bed, _proof("inclusion", size), [f"proofs/inclusion?index={each}&size={size}" for each in places])
    yield _fetch(
        bed,
        _proof("consistency", size),
        [f"proofs/consistency?first={each + 1}&second={size}" for each in places],
    )


def _answers(bed: Bed, plan: Plan, rows: Rows) -> Iterator[Contestant]:
    some = [rows.row(plan.audit_entries * number // plan.questions) for number in range(plan.questions)]
    moments = [
        datetime.fromtimestamp((row.entry_id.int >> 80) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for row in some
    ]
    within = f"{plan.accounts:,} accounts and {plan.audit_entries:,} entries"
    asked = {
        "accounts, a page": ["../service-accounts" for _ in some],
        "one account": [f"../service-accounts/bench-{number % plan.accounts}" for number in range(len(some))],
        "entries, newest": ["entries" for _ in some],
        "entries of an actor": [f"entries?actor={row.actor}" for row in some],
        "entries of a resource": [f"entries?resource={row.resource}" for row in some],
        "entries of an actor until a moment": [
            f"entries?actor={row.actor}&action=file.&until={moment}" for row, moment in zip(some, moments, strict=True)
        ],
        "entries that were refused": ["entries?outcome=refused" for _ in some],
    }
    for name, paths in asked.items():
        yield _fetch(bed, f"{name}, {within}", paths)


def _fetch(bed: Bed, name: str, paths: Sequence[str]) -> Contestant:
    """One question at a time: the time is an answer's, not a queue's."""

    def measure() -> Mapping[str, float]:
        full = [f"/api/v1/{each[3:]}" if each.startswith("../") else f"/api/v1/audit/{each}" for each in paths]
        job = Fetch(port=bed.port("admin"), paths=full, headers=bed.headers(ACCOUNT), count=len(full), warm_up=20)
        cut = percentiles(carry_out(job).times_ms)
        return {"p50": cut["p50"], "p95": cut["p95"]}

    return Contestant(name, Role.ARTSTORE, "ms", measure)


async def _account(bed: Bed) -> None:
    """An account that may do what is measured, put straight into the database."""
    scopes = frozenset({Scope.AUDIT_READ, Scope.AUDIT_WRITE, Scope.ACCOUNTS_READ})
    now = datetime.now(UTC)
    new = NewServiceAccount(client_id=ACCOUNT, scopes=scopes)
    database = _database(bed)
    async with database.transaction() as connection:
        await insert_account(connection, account_of(new, system=False, created_at=now, secret_expires_at=None))
        await add_secret(connection, ACCOUNT, hashed(bed.fleet.secrets.value(ACCOUNT)), now, None)
    await database.close()


async def _filled(bed: Bed, entries: int, accounts: int, *, with_rows: bool) -> Rows:
    database = _database(bed)
    rows = await fill(database, entries, with_rows=with_rows, tell=bed.tell)
    now = datetime.now(UTC)
    async with database.transaction() as connection:
        for number in range(accounts):
            new = NewServiceAccount(client_id=f"bench-{number}", scopes=frozenset({Scope.FILES_READ}))
            await insert_account(connection, account_of(new, system=False, created_at=now, secret_expires_at=None))
    async with database.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text("VACUUM ANALYZE"))
    await database.close()
    return rows


def _database(bed: Bed) -> Database:
    service = bed.fleet.service("admin")
    return Database(
        PostgresSettings(
            url=service.environment["ARTSTORE_POSTGRES__URL"],
            password=SecretStr(bed.fleet.secrets.value(f"database-{service.database}")),
            statement_timeout_s=_STATEMENT_TIMEOUT_S,
        )
    )
