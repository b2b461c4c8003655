"""No cache keeps what is answered at `/api/v1/auth`, be it a token, a refusal or nothing."""

from collections.abc import Iterator

import httpx

from artstore_kit.application import Application
from artstore_kit.testing.oauth import Desk

AUTH = "/api/v1/auth"


def operations(app: Application) -> Iterator[tuple[str, str]]:
    for path, methods in app.openapi()["paths"].items():
        if path.startswith(AUTH):
            yield from ((method.upper(), path.replace("{session_id}", "x")) for method in methods)


async def test_no_refusal_is_kept(client: httpx.AsyncClient, app: Application) -> None:
    seen = set()
    for method, path in operations(app):
        for asked, content in ((method, b""), (method, b"{}"), (method, b"x" * 1_100_000), ("PUT", b"")):
            answer = await client.request(asked, path, content=content, headers={"Content-Type": "application/json"})
            assert answer.is_client_error, (asked, path)
            assert answer.headers.get_list("cache-control") == ["no-store"], (asked, path, answer.status_code)
            seen.add(answer.status_code)
    assert {400, 401, 405, 413, 422} <= seen


async def test_nor_that_a_right_is_missing(client: httpx.AsyncClient, desk: Desk) -> None:
    answer = await client.post(f"{AUTH}/introspect", data=desk.proof("scanner") | {"token": "x"})
    assert (answer.status_code, answer.headers["cache-control"]) == (403, "no-store")


async def test_no_success_is_kept(client: httpx.AsyncClient, desk: Desk, password: str) -> None:
    session = await client.post(f"{AUTH}/login", json={"username": "admin", "password": password})
    shown, bearer = session.json(), {"Authorization": f"Bearer {session.json()['access_token']}"}
    refresh = {"refresh_token": shown["refresh_token"]}
    proved = {"password": password}
    for answer in (
        session,
        await client.get(f"{AUTH}/sessions", headers=bearer),
        await client.post(f"{AUTH}/totp", json=proved, headers=bearer),
        await client.post(f"{AUTH}/refresh", json=refresh),
        await client.delete(f"{AUTH}/sessions/{shown['session_id']}", headers=bearer),
        await client.post(f"{AUTH}/logout", json=refresh),
        await desk.ask(),
        await desk.inspect("x"),
        await desk.revoke("x"),
    ):
        assert answer.is_success, answer.url
        assert answer.headers.get_list("cache-control") == ["no-store"], answer.url
