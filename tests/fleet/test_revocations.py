"""What is taken back is refused by every service within a minute: with Redis at a word, and without it too."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jwt
import pytest
from redis.asyncio import Redis

from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.revocations import REVOCATIONS_CHANNEL, RevocationKind
from artstore_kit.settings import TokenSettings
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import unique_word
from tests.fleet.people import administrator, new_account, newcomer, second_administrator, token_of
from tests.fleet.wire import Wire, refusal
from tools.fleet.fleet import Fleet

PROMISED_S = 60.0
HEARD_WITHIN_S = 5.0
"""Three times this is less than the time between two pulls, so that of three in a row one at most came by a pull."""

DOORS = [
    ("GET", "admin", "/elements"),
    ("GET", "edit-1", "/element"),
    ("GET", "rw-1", "/element"),
    ("DELETE", "ingester", "/files/x"),
    ("GET", "query", "/search?q=x"),
]
WITH_REDIS = [door for door in DOORS if door[1] in {"admin", "ingester", "query"}]
LISTENERS = 2
"""The ingester and the query module; the admin module is the one that speaks."""


@dataclass(frozen=True)
class Condemned:
    """A token, and the request after which it is good for nothing."""

    wire: Wire
    kind: RevocationKind
    name: str
    token: str = field(repr=False)
    request: tuple[str, str, str] = field(repr=False)
    content: dict[str, Any] = field(default_factory=dict, repr=False)

    async def take_back(self) -> None:
        """From here on the minute runs."""
        method, path, token = self.request
        (await self.wire.ask(method, "admin", path, token=token, **self.content)).raise_for_status()

    async def is_refused_at(self, doors: Sequence[tuple[str, str, str]]) -> bool:
        """By all of them, and as a token that is not good."""
        for method, service, path in doors:
            answer = await self.wire.ask(method, service, path, token=self.token)
            if answer.status_code != 401:
                return False
            refusal(answer, 401, "not_authenticated")
        return True


async def a_key(wire: Wire) -> Condemned:
    """The one that signs now."""
    someone = await administrator(wire)
    keys = (await wire.ask("GET", "admin", "/keys", token=someone)).json()["items"]
    (current,) = [key["kid"] for key in keys if key["state"] == "current"]
    token = await newcomer(wire, f"key-{unique_word()}", tuple(Scope))
    assert jwt.get_unverified_header(token)["kid"] == current
    return Condemned(wire, RevocationKind.KEY, current, token, ("POST", f"/keys/{current}/revoke", someone))


async def a_token(wire: Wire) -> Condemned:
    """One that its own client gives back."""
    name = f"token-{unique_word()}"
    secret = await new_account(wire, name, tuple(Scope))
    token = await token_of(wire.fleet, name, secret)
    form = {"client_id": name, "client_secret": secret, "token": token}
    return Condemned(
        wire, RevocationKind.TOKEN, claim(token, "jti"), token, ("POST", "/auth/revoke", ""), {"data": form}
    )


async def a_client(wire: Wire) -> Condemned:
    """One that is suspended."""
    name = f"client-{unique_word()}"
    token = await newcomer(wire, name, tuple(Scope))
    request = ("POST", f"/service-accounts/{name}/suspend", await administrator(wire))
    return Condemned(wire, RevocationKind.SUBJECT, name, token, request)


async def a_session(wire: Wire) -> Condemned:
    """A person's, which they end themselves."""
    token = await second_administrator(wire)
    session = claim(token, "sid")
    return Condemned(wire, RevocationKind.SESSION, session, token, ("DELETE", f"/auth/sessions/{session}", token))


def claim(token: str, name: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})[name])


@asynccontextmanager
async def redis_is(state: str, fleet: Fleet) -> AsyncIterator[None]:
    """Heard by all who listen, or dead; alive at the end."""
    if state == "up":
        async with Redis.from_url(fleet.servers.redis_url) as redis:
            await eventually(lambda: has_listeners(redis), within_s=30)
        yield
        return
    await asyncio.to_thread(fleet.kill, "redis")
    try:
        yield
    finally:
        await asyncio.to_thread(fleet.start_one, "redis")


async def has_listeners(redis: Redis) -> bool:
    ((_, listeners),) = await redis.pubsub_numsub(REVOCATIONS_CHANNEL)
    return int(listeners) == LISTENERS


@pytest.mark.parametrize("redis", ["up", "dead"])
async def test_what_is_taken_back_is_refused_everywhere(fleet: Fleet, wire: Wire, redis: str) -> None:
    key = await a_key(wire)
    assert await is_taken(wire, key.token)
    async with redis_is(redis, fleet), asyncio.TaskGroup() as waiting:
        await falls(key, redis, waiting)
        signed_with_the_next = [await make(wire) for make in (a_token, a_client, a_session)]
        bystander = await newcomer(wire, f"bystander-{unique_word()}", tuple(Scope))
        for token in (bystander, *(each.token for each in signed_with_the_next)):
            await eventually(partial(is_taken, wire, token), within_s=PROMISED_S)
        for each in signed_with_the_next:
            await falls(each, redis, waiting)
    assert await is_taken(wire, bystander)
    stored = await wire.upload(b"stored with the next key", token=bystander)
    assert stored.status_code == 201, stored.text
    listed = (await wire.ask("GET", "admin", "/revocations", token=bystander)).json()["items"]
    told = {(each["kind"], each["name"]) for each in listed}
    assert told >= {(each.kind, each.name) for each in (key, *signed_with_the_next)}


async def falls(condemned: Condemned, redis: str, waiting: asyncio.TaskGroup) -> None:
    """It is taken back, and refused by all in time; by those who hear it through Redis long before they ask."""
    await condemned.take_back()
    waiting.create_task(eventually(lambda: condemned.is_refused_at(DOORS), within_s=PROMISED_S))
    if redis == "up":
        assert TokenSettings.model_fields["pull_interval_s"].default > 3 * HEARD_WITHIN_S
        await eventually(lambda: condemned.is_refused_at(WITH_REDIS), within_s=HEARD_WITHIN_S)


async def is_taken(wire: Wire, token: str) -> bool:
    answers = [await wire.ask(method, service, path, token=token) for method, service, path in DOORS]
    return 401 not in {answer.status_code for answer in answers}
