"""Access tokens: issued beside bare signatures, and checked in a service with and without its memory."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import SecretStr

from admin_module.adapters.account_secrets import add_secret
from admin_module.adapters.accounts import insert_account
from admin_module.domain.accounts import account_of
from admin_module.domain.secrets import hashed
from admin_module.domain.signing_keys import KEY_SIZE_BITS
from artstore_kit.contracts.identity import NewServiceAccount, Scope
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.tokens import TokenMint
from artstore_kit.tokens.bearer import TokenVerifier
from bench.bed import Bed
from bench.figures import Aim, Role
from bench.jobs import Post, carry_out
from bench.plan import Plan
from bench.rounds import ONE, Contestant

ACCOUNT = "bench-client"
IN_FLIGHT = 16
FRESH_TOKENS = 2000
SIGNING = f"bare RSA {KEY_SIZE_BITS} signatures of one core"
ISSUED = "tokens issued, for each second of a core"
ELAPSED, SHARE = "for each second that passed", 0.5
CHECKED = "tokens checked in a service"
_SIGNED_BYTES = 700


def contestants(bed: Bed, plan: Plan) -> Iterator[Contestant]:
    """Signatures, tokens, checks."""
    asyncio.run(_account(bed))
    yield Contestant(SIGNING, Role.LIMIT, "signatures/s", partial(_signatures_per_s, plan.seconds))
    yield Contestant(ISSUED, Role.ARTSTORE, "tokens/s", partial(_issued, bed, plan), [SIGNING])
    mint = TokenMint(_key=rsa.generate_private_key(65537, KEY_SIZE_BITS))
    yield Contestant(f"{CHECKED}, unknown ones", Role.ARTSTORE, "tokens/s", lambda: asyncio.run(_fresh(mint)))
    remembered = partial(_remembered, mint, plan.seconds)
    yield Contestant(f"{CHECKED}, remembered ones", Role.ARTSTORE, "tokens/s", lambda: asyncio.run(remembered()))


def aims() -> Iterator[Aim]:
    """The signature is the limit."""
    yield Aim(f"tokens at {SHARE} of bare signatures, of one core", ISSUED, against=SIGNING, at_least=SHARE)


def _signatures_per_s(seconds: float) -> float:
    key = rsa.generate_private_key(65537, KEY_SIZE_BITS)
    data = bytes(_SIGNED_BYTES)
    began = time.process_time()
    for number in itertools.count(1):
        key.sign(data, padding.PKCS1v15(), SHA256())
        if (used := time.process_time() - began) >= seconds:
            return number / used
    raise AssertionError("it counts for ever")


def _issued(bed: Bed, plan: Plan) -> Mapping[str, float]:
    """Of processor time, because the load works on the same cores; and by the clock."""
    secret = bed.fleet.secrets.value(ACCOUNT)
    form = urlencode({"grant_type": "client_credentials", "client_id": ACCOUNT, "client_secret": secret})
    job = Post(port=bed.port("admin"), path="/api/v1/auth/token", form=form, in_flight=IN_FLIGHT, seconds=plan.seconds)
    before = bed.used_s(["admin"])
    outcome = carry_out(job)
    return {ONE: outcome.done / (bed.used_s(["admin"]) - before), ELAPSED: outcome.per_s}


async def _fresh(mint: TokenMint) -> float:
    verifier = TokenVerifier(mint.settings(), mint)
    tokens = [f"Bearer {mint.mint()}" for _ in range(FRESH_TOKENS)]
    await verifier.authenticate(f"Bearer {mint.mint()}")
    began = time.process_time()
    for token in tokens:
        await verifier.authenticate(token)
    return FRESH_TOKENS / (time.process_time() - began)


async def _remembered(mint: TokenMint, seconds: float) -> float:
    verifier = TokenVerifier(mint.settings(), mint)
    token = f"Bearer {mint.mint()}"
    await verifier.authenticate(token)
    began = time.process_time()
    for number in itertools.count(1):
        await verifier.authenticate(token)
        if (used := time.process_time() - began) >= seconds / 4:
            return number / used
    raise AssertionError("it counts for ever")


async def _account(bed: Bed) -> None:
    """One with a limit of its own, put straight into the database."""
    scopes = frozenset({Scope.FILES_READ, Scope.FILES_WRITE})
    new = NewServiceAccount(client_id=ACCOUNT, scopes=scopes, token_requests_per_minute=1_000_000)
    now = datetime.now(UTC)
    service = bed.fleet.service("admin")
    password = SecretStr(bed.fleet.secrets.value(f"database-{service.database}"))
    database = Database(PostgresSettings(url=service.environment["ARTSTORE_POSTGRES__URL"], password=password))
    async with database.transaction() as connection:
        await insert_account(connection, account_of(new, system=False, created_at=now, secret_expires_at=None))
        await add_secret(connection, ACCOUNT, hashed(bed.fleet.secrets.value(ACCOUNT)), now, None)
    await database.close()
