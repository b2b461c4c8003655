"""Tokens, silence, refusals: what lies between the client and the fleet."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from artstore import ArtStore, ArtStoreError, sending, tokens
from artstore_kit.contracts.errors import (
    BadCredentials,
    DeadlineExceeded,
    DependencyUnavailable,
    FileTooLarge,
    NotAuthenticated,
)
from client.tests.stand_in import CLIENT_ID, CLIENT_SECRET, Fleet


async def test_a_token_is_fetched_once_and_kept(store: ArtStore, fleet: Fleet) -> None:
    await asyncio.gather(*(store.put(b"x", name="a") for _ in range(20)))
    assert fleet.tokens_given == 1


async def test_a_token_is_renewed_before_it_expires(store: ArtStore, fleet: Fleet) -> None:
    fleet.token_lifetime_s = 0
    for _ in range(3):
        await store.put(b"x", name="a")
    assert fleet.tokens_given == 3


async def test_a_revoked_token_is_replaced_once(store: ArtStore, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.put(b"x", name="a")
    fleet.tokens.clear()
    monkeypatch.setattr(tokens, "FRESH_S", 0)
    await asyncio.gather(*(store.put(b"y" * 2_000_000, name="b") for _ in range(5)))
    assert fleet.tokens_given == 2


async def test_a_fresh_token_that_is_refused_is_not_replaced(store: ArtStore, fleet: Fleet) -> None:
    fleet.fail("GET", "/search", status=401, times=10)
    with pytest.raises(NotAuthenticated):
        await anext(store.search("x"))
    assert fleet.tokens_given == 1


async def test_a_wrong_secret_is_bad_credentials(fleet: Fleet) -> None:
    async with ArtStore.connect(fleet.url, client_id=CLIENT_ID, client_secret="wrong") as store:
        with pytest.raises(BadCredentials, match="secret is wrong"):
            await store.put(b"x", name="a")


async def test_a_held_token_is_used_as_it_is(fleet: Fleet) -> None:
    fleet.tokens.add("held")
    async with ArtStore.connect(fleet.url, access_token="held") as store:
        await store.put(b"x", name="a")
        fleet.tokens.clear()
        with pytest.raises(NotAuthenticated):
            await store.put(b"x", name="a")
    assert fleet.tokens_given == 0


async def test_nobody_listening_is_told_with_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(DependencyUnavailable, match=f"{url}.*refused"):
        async with ArtStore.connect(url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET):
            pass


async def test_a_fleet_that_takes_nothing_in_is_given_up(
    fleet: Fleet, store: ArtStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is accepted and the body is never read: the sender must not wait for ever."""
    monkeypatch.setattr(sending, "STILL_TIMEOUT_S", 0.2)
    await store.put(b"x", name="a")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store._connection.ingester = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DeadlineExceeded):
            await store.put(bytes(50_000_000), name="a")


async def test_an_early_refusal_of_a_large_body_is_heard(store: ArtStore, fleet: Fleet) -> None:
    fleet.fail("POST", "/files", status=413, times=9)
    with pytest.raises(FileTooLarge):
        await store.put(bytes(50_000_000), name="a")


async def test_an_answer_that_is_not_artstores_is_told(store: ArtStore, fleet: Fleet) -> None:
    fleet.fail("GET", "/search", status=200, body=b"<html>")
    with pytest.raises(ArtStoreError, match=r"no Page\[SearchHit\]"):
        await anext(store.search("x"))
    fleet.fail("GET", "/search", status=302, headers={"Location": "http://elsewhere.test/"})
    with pytest.raises(ArtStoreError, match=r"302 .*not an answer of ArtStore"):
        await anext(store.search("x"))


async def test_an_unknown_code_keeps_its_words(store: ArtStore, fleet: Fleet) -> None:
    body = b'{"type":"t","title":"t","status":418,"detail":"I am a teapot","code":"teapot","request_id":"r","self":1}'
    fleet.fail("GET", "/search", status=418, body=body)
    with pytest.raises(ArtStoreError, match="I am a teapot") as refused:
        await anext(store.search("x"))
    assert refused.value.extra == {"self": 1}


def test_the_client_stands_on_the_contracts_alone() -> None:
    """It installs without what the services need."""
    program = """
import sys, artstore, artstore.cli.main
heavy = {"fastapi", "starlette", "sqlalchemy", "redis", "httpx", "uvicorn", "pydantic_settings", "structlog"}
kit = {name for name in sys.modules if name.startswith("artstore_kit.") and name.split(".")[1] != "contracts"}
print(sorted((heavy & set(sys.modules)) | kit))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path("/"))
    assert done.stdout == "[]\n"
