"""The feed's long poll."""

import asyncio
import time
from pathlib import Path

from running_element import Element, ElementAt

from artstore_kit.contracts.files import ChangePage


async def test_a_waiting_reader_is_told_at_once(element: Element) -> None:
    await element.put()
    await element.feed_up_to(1)
    waiting = asyncio.create_task(element.changes(after=1, wait_s=30))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    began = time.monotonic()
    file = await element.put()
    page = await waiting
    assert [change.file_id for change in page.items] == [file.file_id]
    assert time.monotonic() - began < 1


async def test_a_wait_ends_when_nothing_comes(element: Element) -> None:
    await element.put()
    await element.feed_up_to(1)
    began = time.monotonic()
    page = await element.changes(after=1, wait_s=0.3)
    assert (page.items, page.next_after) == ([], 1)
    assert 0.25 < time.monotonic() - began < 2


async def test_all_that_wait_are_told(element: Element) -> None:
    await element.put()
    await element.feed_up_to(1)
    waiting = [asyncio.create_task(element.changes(after=1, wait_s=30)) for _ in range(20)]
    await asyncio.sleep(0.1)
    file = await element.put()
    assert {page.items[0].file_id for page in await asyncio.gather(*waiting)} == {file.file_id}


async def test_a_wait_ends_when_the_element_stops(element_at: ElementAt, root: Path) -> None:
    async with element_at(root) as element:
        await element.put()
        await element.feed_up_to(1)
        waiting = asyncio.create_task(element.http.get("/api/v1/changes?after=1&wait_s=30"))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        element.app.state.stopping.set()
        page = ChangePage.model_validate_json((await waiting).content)
        assert page.items == []
        assert time.monotonic() - began < 1
