"""PostgreSQL restarts, or is away: the index may be, no document is, and no answer pretends to be empty."""

import asyncio
from typing import Any

from artstore import ArtStore
from artstore_kit.contracts.files import AttributeChanges
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import KIB, Document, downloaded, unique_word, until_found, until_gone
from tests.fleet.elements import Element
from tests.fleet.traffic import going_on
from tests.fleet.wire import Wire, refusal
from tools.fleet.fleet import Fleet

BACK_WITHIN_S = 15


async def test_postgres_restarts(fleet: Fleet, store: ArtStore) -> None:
    async with going_on(store) as traffic:
        await asyncio.to_thread(fleet.restart, "postgres")

    assert traffic.refusals == []


async def test_postgres_is_killed(fleet: Fleet, store: ArtStore) -> None:
    async with going_on(store) as traffic:
        fleet.kill("postgres")
        await traffic.has_gone_on()
        await asyncio.to_thread(fleet.start_one, "postgres")

    assert traffic.refusals == []


async def test_what_is_done_while_postgres_is_away_is_found_afterwards(
    fleet: Fleet, store: ArtStore, wire: Wire
) -> None:
    removed, changed, fresh = (Document.of_size(KIB, unique_word()) for _ in range(3))
    removed_id = (await removed.put(store)).file_id
    changed_id = (await changed.put(store)).file_id
    await until_found(store, changed.word, changed.name)
    await asyncio.to_thread(fleet.stop_one, "postgres")

    stored = await fresh.put(store)
    await store.delete(removed_id)
    word = unique_word()
    await store.update(changed_id, AttributeChanges(description=word))

    assert await store.info(stored.file_id) == stored
    assert await downloaded(store, stored.file_id) == fresh.content
    await _nothing_pretends_to_be_empty(wire)
    await asyncio.to_thread(fleet.start_one, "postgres")

    await until_found(store, fresh.word, fresh.name, BACK_WITHIN_S)
    await until_found(store, word, changed.name, BACK_WITHIN_S)
    await until_gone(store, removed.word, BACK_WITHIN_S)
    assert await Element(wire, "edit-1", fresh.collection).agreed() == {fresh.name: fresh.sha256}


async def _nothing_pretends_to_be_empty(wire: Wire) -> None:
    refusal(await wire.search(q="anything"), 503, "index_unavailable")
    refusal(await wire.ask("GET", "query", "/files"), 503, "index_unavailable")
    refusal(await wire.ask("GET", "edit-1", "/files"), 503, "database_unavailable")
    refusal(await wire.ask("GET", "edit-1", "/changes"), 503, "database_unavailable")
    refusal(await wire.ask("GET", "admin", "/elements"), 503, "database_unavailable")
    assert (await wire.ask("GET", "admin", "/revocations")).status_code == 200  # as it was read last
    client_id, secret = wire.fleet.credentials("fleet-demo")
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    answer = await wire.ask("POST", "admin", "/auth/token", token="", data=form)
    refusal(answer, 503, "database_unavailable")
    await eventually(lambda: _says_so(wire))


async def _says_so(wire: Wire) -> bool:
    answers: list[Any] = [
        (await wire.client.get(f"{wire.fleet.url(name)}/health/ready")).json() for name in ("edit-1", "query")
    ]
    return all(answer["checks"]["postgres"]["health"] != "ok" for answer in answers)
