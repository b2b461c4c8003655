"""Requests that make something, sent again under their `Idempotency-Key`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from admin_module.adapters.tables.kept_answers import kept_answers
from admin_module.domain.repeats import KEPT_FOR
from admin_module.factory import Services
from artstore_kit.contracts.ids import new_uuid7

type HeadersOf = Callable[[str, str], Awaitable[dict[str, str]]]
API = "/api/v1"


def fresh(kind: str) -> str:
    return f"{kind}-{new_uuid7().hex[-12:]}"


@dataclass
class Making:
    """A request that makes something, under a key of its own."""

    path: str
    document: Mapping[str, Any]
    secret: str = ""
    key: str = field(default_factory=lambda: fresh("key"))

    async def send(self, client: httpx.AsyncClient, who: Mapping[str, str], **changes: Any) -> httpx.Response:
        headers = {**who, "Idempotency-Key": self.key}
        return await client.post(API + self.path, json={**self.document, **changes}, headers=headers)


@pytest.fixture
async def scanner(client: httpx.AsyncClient, as_administrator: dict[str, str]) -> str:
    name = fresh("scanner")
    await client.post(f"{API}/service-accounts", json={"client_id": name}, headers=as_administrator)
    return name


@pytest.fixture
async def makings(scanner: str, headers_of: HeadersOf) -> list[Making]:
    """Every request that takes a key; the house test below sees that none is left out."""
    person = fresh("grace")
    await headers_of(person, "readonly")
    wish = {"operation": "key.export", "resource": "keys:all", "reason": "moving house"}
    return [
        Making("/service-accounts", {"client_id": fresh("made")}, "client_secret"),
        Making(f"/service-accounts/{scanner}/secret", {"overlap_s": 60}, "client_secret"),
        Making("/administrators", {"username": fresh("linus")}, "temporary_password"),
        Making(f"/administrators/{person}/reset-password", {}, "temporary_password"),
        Making("/roles", {"name": fresh("clerk"), "scopes": ["files:read"]}),
        Making("/approvals", wish),
    ]


async def test_the_same_request_gets_the_same_answer_and_is_done_once(
    client: httpx.AsyncClient, makings: list[Making], as_administrator: dict[str, str], services: Services
) -> None:
    for making in makings:
        before = await changes(services)
        first, *others = [await making.send(client, as_administrator) for _ in range(3)]
        assert first.is_success, first.text
        assert "idempotency-replayed" not in first.headers
        for other in others:
            assert (other.status_code, other.json()) == (first.status_code, first.json())
            assert other.headers["idempotency-replayed"] == "true"
            for name in ("location", "etag", "cache-control"):
                assert other.headers.get(name) == first.headers.get(name)
        told = (await changes(services))[len(before) :]
        assert [each for each in told if each != "request.repeat"] == told[:1]
        assert told.count("request.repeat") == 2


async def test_a_secret_that_is_shown_again_opens(
    client: httpx.AsyncClient, makings: list[Making], as_administrator: dict[str, str]
) -> None:
    """The answer is that of the deed: the second secret of an account that was given two would be another."""
    for making in makings[:2]:
        await making.send(client, as_administrator)
        again = (await making.send(client, as_administrator)).json()
        auth = httpx.BasicAuth(again["client_id"], again["client_secret"])
        answer = await client.post(f"{API}/auth/token", data={"grant_type": "client_credentials"}, auth=auth)
        assert answer.status_code == 200


async def test_requests_at_once_are_one(
    client: httpx.AsyncClient, makings: list[Making], as_administrator: dict[str, str]
) -> None:
    for making in makings:
        answers = await asyncio.gather(*(making.send(client, as_administrator) for _ in range(6)))
        assert len({answer.text for answer in answers}) == 1
        assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1


async def test_another_request_under_the_key_is_refused(
    client: httpx.AsyncClient, makings: list[Making], scanner: str, as_administrator: dict[str, str]
) -> None:
    role = makings[4]
    assert (await role.send(client, as_administrator)).status_code == 201
    others = [
        await role.send(client, as_administrator, description="something else"),
        await Making(f"/service-accounts/{scanner}/secret", {}, key=role.key).send(client, as_administrator),
    ]
    assert [(each.status_code, each.json()["code"]) for each in others] == [(422, "idempotency_key_reused")] * 2


async def test_keys_are_their_owners_own(
    client: httpx.AsyncClient, makings: list[Making], as_administrator: dict[str, str], as_second: dict[str, str]
) -> None:
    """Nobody reads the secret that somebody else was shown by guessing a key."""
    account = makings[0]
    assert (await account.send(client, as_administrator)).status_code == 201
    stranger = await account.send(client, as_second)
    assert (stranger.status_code, stranger.json()["code"]) == (409, "account_exists")


async def test_what_was_refused_may_be_corrected_under_its_key(
    client: httpx.AsyncClient, makings: list[Making], scanner: str, as_administrator: dict[str, str]
) -> None:
    account = makings[0]
    refused = await account.send(client, as_administrator, client_id=scanner)
    assert refused.json()["code"] == "account_exists"
    assert (await account.send(client, as_administrator)).status_code == 201


async def test_after_a_day_the_key_is_free(
    client: httpx.AsyncClient, makings: list[Making], as_administrator: dict[str, str], services: Services
) -> None:
    approval = makings[5]
    first = (await approval.send(client, as_administrator)).json()
    async with services.accounts.database.transaction() as connection:
        older = kept_answers.c.kept_at - KEPT_FOR - timedelta(seconds=1)
        await connection.execute(kept_answers.update().values(kept_at=older))
    second = await approval.send(client, as_administrator)
    assert second.json()["approval_id"] != first["approval_id"]
    async with services.accounts.database.connect() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(kept_answers)) == 1


async def test_nothing_secret_is_kept_in_the_clear(
    client: httpx.AsyncClient, makings: list[Making], as_administrator: dict[str, str], services: Services
) -> None:
    secrets = [
        (await making.send(client, as_administrator)).json()[making.secret] for making in makings if making.secret
    ]
    async with services.accounts.database.connect() as connection:
        rows = repr((await connection.execute(sa.select(kept_answers))).all())
    assert len(secrets) == 4
    assert not any(secret in rows for secret in (*secrets, *(making.key for making in makings), "moving house"))


@pytest.mark.parametrize("key", ["two words", "k" * 256])
async def test_what_is_no_key(client: httpx.AsyncClient, as_administrator: dict[str, str], key: str) -> None:
    answer = await Making("/roles", {"name": fresh("clerk"), "scopes": []}, key=key).send(client, as_administrator)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_all_that_makes_something_takes_a_key(client: httpx.AsyncClient, makings: list[Making]) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    taking = {
        path
        for path, verbs in paths.items()
        for operation in verbs.values()
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
    }
    creating = {path for path, verbs in paths.items() if "201" in verbs.get("post", {}).get("responses", {})}
    assert creating <= taking
    assert len(taking) == len(makings)


async def changes(services: Services) -> list[str]:
    """What the log has been told of changes, in its order."""
    async with services.accounts.database.connect() as connection:
        return [
            row.action
            for row in await connection.execute(
                sa.text(
                    "SELECT convert_from(leaf, 'UTF8')::jsonb #>> '{entry,action}' AS action FROM audit_entries"
                    " WHERE leaf IS NOT NULL ORDER BY index"
                )
            )
        ]
