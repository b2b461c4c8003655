"""What is taken back is refused by every service within a minute, though Redis is dead."""

import asyncio
import time

from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.revocations import RevocationKind
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import unique_word
from tests.fleet.people import administrator, newcomer
from tests.fleet.wire import Wire, refusal
from tools.fleet.fleet import Fleet

PROMISED_S = 60.0
DOORS = [
    ("GET", "admin", "/elements"),
    ("GET", "edit-1", "/element"),
    ("GET", "rw-1", "/element"),
    ("DELETE", "ingester", "/files/x"),
    ("GET", "query", "/search?q=x"),
]


async def status(wire: Wire, token: str) -> set[int]:
    """How the doors of all services answer."""
    return {(await wire.ask(method, service, path, token=token)).status_code for method, service, path in DOORS}


async def test_a_suspended_account_is_out_everywhere_without_redis(fleet: Fleet, wire: Wire) -> None:
    name = f"suspended-{unique_word()}"
    token = await newcomer(wire, name, tuple(Scope))
    another = await newcomer(wire, f"another-{unique_word()}", tuple(Scope))
    assert 401 not in await status(wire, token)
    await asyncio.to_thread(fleet.stop_one, "redis")
    try:
        began = time.monotonic()
        path = f"/service-accounts/{name}/suspend"
        (await wire.ask("POST", "admin", path, token=await administrator(wire))).raise_for_status()
        await eventually(lambda: refused_by_all(wire, token), within_s=PROMISED_S)
        assert time.monotonic() - began < PROMISED_S
        assert 401 not in await status(wire, another)
        refusal(await wire.ask("GET", "edit-1", "/element", token=token), 401, "not_authenticated")
    finally:
        await asyncio.to_thread(fleet.start_one, "redis")


async def test_a_revoked_key_is_refused_everywhere_and_the_fleet_goes_on(fleet: Fleet, wire: Wire) -> None:
    token = await newcomer(wire, f"before-{unique_word()}", tuple(Scope))
    someone = await administrator(wire)
    keys = (await wire.ask("GET", "admin", "/keys", token=someone)).json()["items"]
    (current,) = [key["kid"] for key in keys if key["state"] == "current"]
    (await wire.ask("POST", "admin", f"/keys/{current}/revoke", token=someone)).raise_for_status()
    await eventually(lambda: refused_by_all(wire, token), within_s=PROMISED_S)
    new = await newcomer(wire, f"after-{unique_word()}", tuple(Scope))
    await eventually(lambda: taken_by_all(wire, new), within_s=PROMISED_S)
    stored = await wire.upload(b"stored with the next key", token=new)
    assert stored.status_code == 201, stored.text
    listed = (await wire.ask("GET", "admin", "/revocations", token=new)).json()["items"]
    assert (RevocationKind.KEY, current) in [(each["kind"], each["name"]) for each in listed]


async def refused_by_all(wire: Wire, token: str) -> bool:
    return await status(wire, token) == {401}


async def taken_by_all(wire: Wire, token: str) -> bool:
    return 401 not in await status(wire, token)
