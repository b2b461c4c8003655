"""`private_key_jwt` (RFC 7523): who signed well gets in once, and nobody else does."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from admin_module.adapters.accounts import insert_account
from admin_module.adapters.tables.accounts import used_assertions
from admin_module.domain.accounts import account_of
from admin_module.domain.proofs import SignedAssertion
from admin_module.services.clients import Clients
from artstore_kit.contracts.client_keys import SIGNING_ALGORITHMS, KeySet
from artstore_kit.contracts.errors import InvalidClient
from artstore_kit.contracts.identity import NewServiceAccount
from artstore_kit.postgres import Database
from artstore_kit.testing.client_keys import ClientKey, client_key
from artstore_kit.testing.clock import MovableClock

ISSUER = "http://admin.test"
TOKEN_ENDPOINT = "https://store.test/api/v1/auth/token"
ALGORITHMS = [algorithm for each in SIGNING_ALGORITHMS.values() for algorithm in each]
KEY = client_key()

type Register = Callable[..., Any]


@pytest.fixture
def register(database: Database, clock: MovableClock) -> Register:
    """Make an account with these keys."""

    async def make(client_id: str, *keys: dict[str, str]) -> None:
        jwks = KeySet.model_validate({"keys": keys})
        new = NewServiceAccount(client_id=client_id, scopes=frozenset(), jwks=jwks)
        async with database.transaction() as connection:
            await insert_account(connection, account_of(new, system=False, created_at=clock(), secret_expires_at=None))

    return make


@pytest.fixture
async def scanner(register: Register) -> None:
    """A client with one key."""
    await register("scanner", KEY.jwk)


async def enter(clients: Clients, assertion: str, beside: str | None = None) -> str:
    return (await clients.authenticated(SignedAssertion(beside, assertion), "192.0.2.1")).client_id


async def refusal(clients: Clients, assertion: str, beside: str | None = None) -> str:
    with pytest.raises(InvalidClient) as refused:
        await enter(clients, assertion, beside)
    return refused.value.detail


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_each_algorithm(clients: Clients, register: Register, algorithm: str) -> None:
    key = client_key(algorithm)
    await register("scanner", key.jwk)
    for audience in (ISSUER, TOKEN_ENDPOINT, [TOKEN_ENDPOINT], ["https://other.test", ISSUER]):
        assert await enter(clients, key.assertion("scanner", audience), "scanner") == "scanner"


async def test_a_key_is_found_among_several(clients: Clients, register: Register) -> None:
    keys = [client_key("ES256", "a"), client_key("ES256", "b"), client_key("RS256", "c")]
    await register("scanner", *(key.jwk for key in keys))
    for key in keys:
        assert await enter(clients, key.assertion("scanner", ISSUER))
        assert await enter(clients, ClientKey(key.algorithm, key.private_key).assertion("scanner", ISSUER))
    unnamed = ClientKey("ES256", keys[0].private_key, "c")
    assert "unknown" in await refusal(clients, unnamed.assertion("scanner", ISSUER))


async def test_an_assertion_is_good_once(clients: Clients, scanner: None) -> None:
    assertion = KEY.assertion("scanner", ISSUER)
    assert await enter(clients, assertion) == "scanner"
    assert "unknown" in await refusal(clients, assertion)


async def test_the_same_jti_in_another_assertion_is_refused(clients: Clients, scanner: None) -> None:
    assert await enter(clients, KEY.assertion("scanner", ISSUER, jti="1"))
    await refusal(clients, KEY.assertion("scanner", TOKEN_ENDPOINT, jti="1"))


async def test_two_clients_may_choose_the_same_jti(clients: Clients, scanner: None, register: Register) -> None:
    await register("printer", KEY.jwk)
    for name in ("scanner", "printer"):
        assert await enter(clients, KEY.assertion(name, ISSUER, jti="1")) == name


async def test_shown_to_two_nodes_at_once_it_is_good_once(
    clients: Clients, make_node: Callable[[], Clients], scanner: None
) -> None:
    nodes = [clients, make_node()]
    for _ in range(5):
        assertion = KEY.assertion("scanner", ISSUER)
        outcomes = await asyncio.gather(
            *(enter(node, assertion) for node in nodes for _ in range(4)), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in outcomes) == ["InvalidClient"] * 7 + ["str"]


async def test_uses_are_forgotten_long_after_the_assertion_has_expired(
    clients: Clients, scanner: None, database: Database, clock: MovableClock
) -> None:
    assert await enter(clients, KEY.assertion("scanner", ISSUER, jti="old"))
    await _let_pass(database, timedelta(minutes=50))
    assert await enter(clients, KEY.assertion("scanner", ISSUER, jti="middle"))
    assert await _uses(database) == 2
    await _let_pass(database, timedelta(minutes=20))
    assert await enter(clients, KEY.assertion("scanner", ISSUER, jti="new"))
    assert await _uses(database) == 2


async def _let_pass(database: Database, time: timedelta) -> None:
    async with database.transaction() as connection:
        await connection.execute(used_assertions.update().values(expires_at=used_assertions.c.expires_at - time))


async def _uses(database: Database) -> int | None:
    async with database.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(used_assertions))


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "printer"}, "iss and sub"),
        ({"sub": "printer"}, "iss and sub"),
        ({"iss": None}, "iss must be"),
        ({"sub": None}, "sub must be"),
        ({"sub": 7}, "sub must be"),
        ({"sub": ""}, "sub must be"),
        ({"sub": "\ud800"}, "sub must be"),
        ({"jti": None}, "jti must be"),
        ({"jti": ""}, "jti must be"),
        ({"jti": 5}, "jti must be"),
        ({"jti": "j" * 256}, "jti must be"),
        ({"aud": None}, "somebody else"),
        ({"aud": []}, "somebody else"),
        ({"aud": {ISSUER: 1}}, "somebody else"),
        ({"aud": "https://other.test/token"}, "somebody else"),
        ({"aud": ISSUER + "/"}, "somebody else"),
        ({"aud": [{"aud": ISSUER}]}, "somebody else"),
        ({"exp": None}, "exp must be"),
        ({"exp": "9999999999"}, "exp must be"),
        ({"exp": True}, "exp must be"),
        ({"exp": float("inf")}, "exp must be"),
        ({"exp": float("nan")}, "exp must be"),
        ({"exp": -1}, "exp must be"),
        ({"exp": 10**400}, "exp must be"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"exp": 4_000_000_000}, "too long"),
        ({"nbf": 4_000_000_000}, "nbf is in the future"),
        ({"iat": 4_000_000_000}, "iat is in the future"),
        ({"iat": "now"}, "iat must be"),
    ],
)
async def test_claims_that_are_not_in_order(clients: Clients, scanner: None, claims: dict[str, Any], why: str) -> None:
    assert why in await refusal(clients, KEY.assertion("scanner", ISSUER, **claims))


async def test_a_client_id_beside_it_must_be_its_own(clients: Clients, scanner: None) -> None:
    assert "iss and sub" in await refusal(clients, KEY.assertion("scanner", ISSUER), beside="printer")


@pytest.mark.parametrize("seconds", [-59, 0, 59])
async def test_clocks_may_differ_by_a_minute(
    clients: Clients, scanner: None, clock: MovableClock, seconds: int
) -> None:
    assertion = KEY.assertion("scanner", ISSUER, iat=int(clock().timestamp()), exp=int(clock().timestamp()) + 1)
    clock.move(timedelta(seconds=seconds))
    assert await enter(clients, assertion)


@pytest.mark.parametrize(("seconds", "why"), [(-62, "iat is in the future"), (62, "expired")])
async def test_clocks_may_not_differ_by_more(
    clients: Clients, scanner: None, clock: MovableClock, seconds: int, why: str
) -> None:
    assertion = KEY.assertion("scanner", ISSUER, iat=int(clock().timestamp()), exp=int(clock().timestamp()) + 1)
    clock.move(timedelta(seconds=seconds))
    assert why in await refusal(clients, assertion)


async def test_a_key_of_another_client_opens_nothing(clients: Clients, scanner: None, register: Register) -> None:
    other = client_key("ES256", "other")
    await register("printer", other.jwk)
    assert "unknown" in await refusal(clients, other.assertion("scanner", ISSUER))


async def test_unknown_clients_and_wrong_signatures_are_told_alike(clients: Clients, scanner: None) -> None:
    stranger = client_key("ES256", "stranger")
    details = {
        await refusal(clients, stranger.assertion(name, ISSUER)) for name in ("scanner", "nobody", "' OR 1=1 --")
    }
    assert len(details) == 1


def _compact(header: dict[str, object], claims: dict[str, object], signature: Callable[[bytes], bytes]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signed = b".".join(parts)
    return b".".join([signed, base64.urlsafe_b64encode(signature(signed)).rstrip(b"=")]).decode()


def _claims(clock: MovableClock) -> dict[str, object]:
    exp = int(clock().timestamp()) + 60
    return {"iss": "scanner", "sub": "scanner", "aud": ISSUER, "exp": exp, "jti": secrets.token_hex(8)}


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS256", "HS384", "RS1", "ES512", 5, None, ["ES256"]])
async def test_other_algorithms_even_with_the_public_key_as_a_secret(
    clients: Clients, register: Register, clock: MovableClock, alg: object
) -> None:
    key = client_key("RS256")
    await register("scanner", key.jwk)
    public = json.dumps(key.jwk).encode()
    for sign in (lambda _: b"", lambda data: hmac.digest(public, data, hashlib.sha256)):
        await refusal(clients, _compact({"alg": alg, "typ": "JWT"}, _claims(clock), sign))


async def test_the_algorithm_is_the_keys(clients: Clients, register: Register) -> None:
    """A key that is registered for PS256 alone checks no RS256 signature, though it is the same key."""
    key = client_key("RS256")
    await register("scanner", key.jwk | {"alg": "PS256"})
    await refusal(clients, key.assertion("scanner", ISSUER))
    assert await enter(clients, ClientKey("PS256", key.private_key).assertion("scanner", ISSUER))


@pytest.mark.parametrize(
    "header", [{"jwk": KEY.jwk}, {"jku": "http://127.0.0.1:1/keys"}, {"x5u": "http://127.0.0.1:1/cert"}]
)
async def test_keys_in_the_header_are_not_looked_at(clients: Clients, scanner: None, header: dict[str, object]) -> None:
    stranger = ClientKey("ES256", client_key("ES256", "stranger").private_key)
    assert "unknown" in await refusal(clients, stranger.assertion("scanner", ISSUER, header=header))


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"crit": ["b64"], "b64": True}, "extensions"),
        ({"crit": ["exp"], "exp": 1}, "not a signed JWT"),
        ({"crit": []}, "not a signed JWT"),
        ({"kid": 5}, "not a signed JWT"),
        ({"kid": "x"}, "unknown"),
    ],
)
async def test_headers_that_are_refused(
    clients: Clients, scanner: None, clock: MovableClock, header: dict[str, object], why: str
) -> None:
    forged = _compact({"alg": "ES256", **header}, _claims(clock), lambda _: bytes(64))
    assert why in await refusal(clients, forged)


@pytest.mark.parametrize(
    "assertion",
    [
        ".",
        "..",
        "a.b.c",
        "a.b.c.d.e",
        "e30.e30.",
        "eyJhbGciOiJFUzI1NiJ9.W10.AA",
        "eyJhbGciOiJFUzI1NiJ9.bnVsbA.AA",
        "A" * 100_000,
        base64.urlsafe_b64encode(b"[" * 3000).decode() + ".e30.AA",
        "eyJhbGciOiJFUzI1NiJ9." + base64.urlsafe_b64encode(b"[" * 4000).decode() + ".AA",
        "eyJhbGciOiJFUzI1NiJ9." + base64.urlsafe_b64encode(b'{"exp":' + b"9" * 4500 + b"}").decode() + ".AA",
    ],
)
async def test_what_is_no_assertion(clients: Clients, scanner: None, assertion: str) -> None:
    assert "unknown" not in await refusal(clients, assertion)


async def test_a_signature_with_one_bit_changed(clients: Clients, scanner: None) -> None:
    head, claims, signature = KEY.assertion("scanner", ISSUER).split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[10] ^= 1
    forged = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    await refusal(clients, f"{head}.{claims}.{forged}")
