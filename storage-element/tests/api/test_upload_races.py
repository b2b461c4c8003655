"""Uploads in parts when many come at once, and when what is under way fails: nothing is mixed up, nothing is lost."""

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from element_core import Syncs, until
from part_sender import CONTENT, Sender, begin, begun, staged
from running_element import MIB, Element, ElementAt, code

from artstore_kit.contracts.errors import StorageUnavailable, UploadTakenOver
from artstore_kit.digests import format_sha256
from storage_element.adapters.local import uploads
from storage_element.adapters.local.direct import DirectFile
from storage_element.adapters.local.journal import Journal
from storage_element.adapters.local.uploads import LocalUploads


class Held:
    """Work in a thread, of which the first is held up until it is let go."""

    def __init__(self) -> None:
        self.began, self.goes_on = threading.Event(), threading.Event()

    def hold_first(self) -> None:
        if not self.began.is_set():
            self.began.set()
            assert self.goes_on.wait(5)


def holding[*Args, T](held: Held, work: Callable[[*Args], T]) -> Callable[[*Args], T]:
    def held_up(*args: *Args) -> T:
        held.hold_first()
        return work(*args)

    return held_up


async def test_bytes_of_a_part_that_two_took_over_are_not_written_later(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one cancels who is being cancelled: what is under way in a thread is waited for all the same."""
    held = Held()
    monkeypatch.setattr(DirectFile, "append", holding(held, DirectFile.append))

    async def hangs() -> AsyncIterator[bytes]:
        yield bytes(2 * MIB)
        await asyncio.Event().wait()

    sender = await begun(element)
    first = asyncio.create_task(sender.append_body(0, hangs()))
    await until(held.began.is_set)
    others = []
    for _ in range(3):
        others.append(asyncio.create_task(sender.append(0, CONTENT)))
        await asyncio.sleep(0.02)
    asyncio.get_running_loop().call_later(0.3, held.goes_on.set)
    answers = await asyncio.gather(*others)
    assert [answer.status_code for answer in answers] == [409, 409, 204]
    with pytest.raises(UploadTakenOver):
        await first
    await sender.stored(CONTENT)


async def test_a_commit_that_two_took_over_goes_to_its_end(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = await begun(element, 5)
    await sender.append(0, b"12345")
    held, syncs = Held(), Syncs(monkeypatch)
    syncs.before = held.hold_first
    committing = asyncio.create_task(sender.commit())
    await until(held.began.is_set)
    others = []
    for _ in range(3):
        others.append(asyncio.create_task(element.http.delete(sender.path)))
        await asyncio.sleep(0.02)
    assert not others[-1].done()
    held.goes_on.set()
    answers = await asyncio.gather(committing, *others)
    assert code(answers[-1]) == (404, "upload_unknown")
    assert (await element.content(sender.upload.file_id)).content == b"12345"


async def test_whoever_takes_over_from_a_rereading_finds_it_done(
    element_at: ElementAt, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with element_at(root) as element:
        sender = await begun(element)
        await sender.append(0, CONTENT[:1_000_000])
    held = Held()
    monkeypatch.setattr(uploads, "_copied", holding(held, uploads._copied))
    async with element_at(root) as element:
        sender = Sender(element, sender.upload)
        first = asyncio.create_task(sender.append(1_000_000, CONTENT[1_000_000:]))
        await until(held.began.is_set)
        second = asyncio.create_task(sender.append(1_000_000, CONTENT[1_000_000:]))
        await asyncio.sleep(0.1)
        held.goes_on.set()
        assert (code(await first), (await second).status_code) == ((409, "upload_taken_over"), 204)
        await sender.stored(CONTENT)


@pytest.mark.parametrize("restarts", [False, True])
async def test_whoever_waits_to_abort_does_not_remove_what_the_journal_may_name(
    element_at: ElementAt, root: Path, monkeypatch: pytest.MonkeyPatch, restarts: bool
) -> None:
    async with element_at(root) as element:
        sender = await begun(element, 5)
        await sender.append(0, b"12345")
        with monkeypatch.context() as patched:
            held, syncs = Held(), Syncs(patched)
            syncs.before, syncs.error = held.hold_first, OSError(5, "Input/output error")
            committing = asyncio.create_task(sender.commit())
            await until(held.began.is_set)
            aborting = asyncio.create_task(element.http.delete(sender.path))
            await asyncio.sleep(0.05)
            held.goes_on.set()
            assert code(await aborting) == (503, "storage_fault")
            assert code(await committing)[0] in {409, 503}
        assert staged(root, sender).read_bytes() == b"12345"
    if restarts:  # the record was written, and only the sync failed
        async with element_at(root) as element:
            assert (await element.content(sender.upload.file_id)).content == b"12345"


@pytest.mark.parametrize("fails", ["digest", "taken over"])
async def test_bytes_of_a_part_that_does_not_count_are_not_committed(element: Element, fails: str) -> None:
    begun_to_send = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        yield os.urandom(3 * MIB)
        begun_to_send.set()
        await asyncio.Event().wait()

    sender = await begun(element, None)
    await sender.append(0, b"12345")
    if fails == "digest":
        wrong = format_sha256(hashlib.sha256(b"right").digest())
        assert code(await sender.append(5, b"wrong", wrong)) == (400, "digest_mismatch")
        await sender.stored(b"12345")
        return
    appending = asyncio.create_task(sender.append_body(5, hangs()))
    await begun_to_send.wait()
    await asyncio.sleep(0.05)
    await sender.stored(b"12345")
    with pytest.raises(UploadTakenOver):
        await appending


async def test_while_nobody_knows_how_a_commit_ended_it_can_only_be_committed_again(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record may be there: what it names stays as it is."""

    def away(*_: object) -> None:
        raise StorageUnavailable

    sender = await begun(element, None)
    await sender.append(0, b"12345")
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", away)
        assert code(await sender.commit()) == (503, "storage_unavailable")
    for answer in (await element.http.delete(sender.path), await sender.append(5, b"more")):
        assert code(answer) == (503, "storage_unavailable")
    await sender.stored(b"12345")


async def test_an_upload_that_could_not_be_begun_takes_no_room(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StorageUnavailable

    room = element.services.uploads._measure
    with monkeypatch.context() as patched:
        patched.setattr(LocalUploads, "_make", away)
        assert code(await begin(element, 5 * MIB)) == (503, "storage_unavailable")
    assert room._promised_bytes == 0
