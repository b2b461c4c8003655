"""Expiry: temporary files go when their time is over; nothing held goes, or for a clock that jumped."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from running_element import Element, ElementAt, code
from structlog.testing import capture_logs

from artstore_kit.contracts.approvals import APPROVAL_HEADER, ApprovalUse, GuardedOperation, hold_resource
from artstore_kit.contracts.errors import FileRetained, IndexUnavailable
from artstore_kit.contracts.files import FileAttributes, Retention, RetentionKind
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.documents import document
from artstore_kit.testing.patience import eventually
from storage_element.adapters.machine_clock import machine_clock
from storage_element.config import ExpirySettings
from storage_element.domain import layout
from storage_element.domain.clock import Instant
from storage_element.domain.rules import must_have_expired

ON_REQUEST = ExpirySettings(interval_s=3600, files_per_s=10_000)
SOON = timedelta(hours=1)


class Clocks:
    """Wall clock and uptime that a test moves."""

    def __init__(self) -> None:
        self.now = machine_clock()

    def __call__(self) -> Instant:
        return self.now

    def passes(self, by: timedelta) -> None:
        """Time, as it does."""
        self.now = self.now.model_copy(
            update={"wall": self.now.wall + by, "uptime_s": self.now.uptime_s + by.total_seconds()}
        )

    def jumps(self, by: timedelta) -> None:
        """The wall clock alone."""
        self.now = self.now.model_copy(update={"wall": self.now.wall + by})

    def reboots(self, after: timedelta) -> None:
        """Another boot, which is up for a minute."""
        self.now = Instant(wall=self.now.wall + after, uptime_s=60, boot_id="another")


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr("storage_element.factory.services.machine_clock", clocks)
    return clocks


@pytest.fixture
async def element(element_at: ElementAt, root: Path, clocks: Clocks) -> AsyncIterator[Element]:
    async with element_at(root, expiry=ON_REQUEST) as element:
        yield element


def temporary(expires_at: datetime, **more: Any) -> dict[str, Any]:
    return {"retention": {"kind": "temporary", "expires_at": expires_at.isoformat(), **more}}


async def put(element: Element, clocks: Clocks, after: timedelta = SOON, **more: Any) -> FileAttributes:
    """A temporary file, which the index shows."""
    fields = temporary(clocks.now.wall + after, **more.pop("retention", {}))
    file = await element.put(b"content", None, **fields, **more)
    await element.feed_up_to(file.element.lsn)
    return file


async def expired(element: Element) -> dict[str, int]:
    """What one round does."""
    async with asyncio.timeout(5):
        while True:
            with suppress(IndexUnavailable):
                await element.services.care.expirer.round()
                break
            await asyncio.sleep(0.01)
    outcomes: dict[str, int] = (await status(element))["last_outcomes"]
    return outcomes


async def status(element: Element) -> dict[str, Any]:
    told: dict[str, Any] = (await element.http.get("/api/v1/element/expiry")).json()
    return told


async def is_there(element: Element, file: FileAttributes) -> bool:
    return (await element.http.get(f"/api/v1/files/{file.file_id}")).status_code == 200


async def test_what_has_expired_goes_through_the_journal(element: Element, clocks: Clocks) -> None:
    soon, later, for_ever = (
        await put(element, clocks),
        await put(element, clocks, 3 * SOON),
        await element.put(b"working"),
    )
    assert await expired(element) == {}
    clocks.passes(2 * SOON)
    assert await expired(element) == {"removed": 1}
    assert [await is_there(element, each) for each in (soon, later, for_ever)] == [False, True, True]
    assert not element.content_path(soon).exists()
    tombstone = (await element.feed_up_to(4)).items[-1]
    assert (tombstone.file_id, tombstone.attributes) == (soon.file_id, None)
    assert 'artstore_element_expired_files_total{outcome="removed"}' in (await element.http.get("/metrics")).text


async def test_nothing_that_is_held_or_retained_or_permanent_goes(element: Element, clocks: Clocks) -> None:
    held = await put(element, clocks, holds=[{"id": "case 17"}])
    retained = await put(element, clocks, retention={"retain_until": (clocks.now.wall + 9 * SOON).isoformat()})
    permanent = await put(element, clocks, retention={"kind": "permanent"})
    gone = await put(element, clocks)
    clocks.passes(2 * SOON)
    assert await expired(element) == {"file_held": 1, "file_retained": 2, "removed": 1}
    assert [await is_there(element, each) for each in (held, retained, permanent, gone)] == [True, True, True, False]


async def test_the_attributes_are_the_judge_and_not_the_index(element: Element, clocks: Clocks) -> None:
    """A row may lag: what counts is what attr.json says at the moment of the removal."""
    file = await put(element, clocks)
    document = json.loads(element.attributes_path(file).read_bytes())
    document["holds"] = [{"id": "case 17", "reason": ""}]
    element.attributes_path(file).write_text(json.dumps(document))
    await element.attributes(file.file_id)
    clocks.passes(2 * SOON)
    assert await expired(element) == {"file_held": 1}


async def test_a_hold_that_comes_later_keeps_what_would_expire(
    element: Element, clocks: Clocks, admin: AdminStandIn
) -> None:
    file = await put(element, clocks)
    at = f"/api/v1/files/{file.file_id}/holds/case-17"
    assert (await element.http.put(at, json={})).status_code == 200
    clocks.passes(2 * SOON)
    assert await expired(element) == {"file_held": 1}
    resource = hold_resource(file.file_id, "case-17")
    approval = admin.approve(ApprovalUse(operation=GuardedOperation.HOLD_RELEASE, resource=resource, by="tester"))
    assert (await element.http.delete(at, headers={APPROVAL_HEADER: str(approval)})).status_code == 204
    assert await expired(element) == {"removed": 1}


async def test_a_file_that_is_being_changed_waits(element: Element, clocks: Clocks) -> None:
    file = await put(element, clocks)
    clocks.passes(2 * SOON)
    with element.services.writer._reservations.alone(file.file_id):
        assert await expired(element) == {"upload_in_progress": 1}
    assert await expired(element) == {"removed": 1}


async def test_many_are_removed_page_by_page(element: Element, clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage_element.services.expire.PAGE_ROWS", 3)
    for number in range(10):
        await put(element, clocks, holds=[{"id": "x"}] if number % 2 else [])
    clocks.passes(2 * SOON)
    assert await expired(element) == {"removed": 5, "file_held": 5}


@pytest.mark.parametrize("by", [timedelta(days=400), timedelta(hours=2), -timedelta(hours=2)])
async def test_a_clock_that_jumps_stops_expiry_and_says_so(element: Element, clocks: Clocks, by: timedelta) -> None:
    file = await put(element, clocks)
    await expired(element)
    clocks.jumps(by)
    with capture_logs() as logs:
        await expired(element)
    assert await is_there(element, file)
    assert [each["log_level"] for each in logs if each["event"] == "clock in doubt"] == ["error"]
    told = await status(element)
    assert (told["state"], "the clock moved by" in told["clock_doubt"]) == ("suspended", True)
    assert (await element.http.get("/api/v1/element")).json()["state"] == "clock_in_doubt"
    ready = (await element.http.get("/health/ready")).json()["checks"]["clock"]
    assert (ready["health"], "nothing expires" in ready["detail"]) == ("degraded", True)
    assert "artstore_element_clock_in_doubt 1.0" in (await element.http.get("/metrics")).text


async def test_a_clock_that_is_set_right_is_believed_again(element: Element, clocks: Clocks) -> None:
    file = await put(element, clocks)
    await expired(element)
    clocks.jumps(timedelta(days=400))
    clocks.passes(SOON / 60)
    await expired(element)
    clocks.jumps(-timedelta(days=400))
    await expired(element)
    assert ((await status(element))["state"], await is_there(element, file)) == ("idle", True)
    clocks.passes(2 * SOON)
    assert await expired(element) == {"removed": 1}


async def test_an_operator_may_say_that_the_clock_is_right(element: Element, clocks: Clocks) -> None:
    await put(element, clocks)
    await expired(element)
    clocks.jumps(timedelta(days=400))
    await expired(element)
    answer = await element.http.post("/api/v1/element/expiry/trust-clock")
    assert (answer.status_code, answer.json()["state"]) == (200, "idle")
    assert await expired(element) == {"removed": 1}
    refused = await element.http.post("/api/v1/element/expiry/trust-clock", headers={"Authorization": ""})
    assert code(refused) == (401, "not_authenticated")


@pytest.mark.parametrize(("stopped_for", "believed"), [(timedelta(hours=3), True), (timedelta(days=30), False)])
async def test_over_a_restart_of_the_machine(
    element_at: ElementAt, root: Path, clocks: Clocks, stopped_for: timedelta, believed: bool
) -> None:
    """Nobody knows how long it was off: a long time is not believed without being told."""
    async with element_at(root, expiry=ON_REQUEST) as element:
        file = await put(element, clocks)
        await expired(element)
    clocks.reboots(stopped_for)
    async with element_at(root, expiry=ON_REQUEST) as element:
        await expired(element)
        assert await is_there(element, file) is not believed


async def test_a_doubt_survives_a_restart_of_the_process(element_at: ElementAt, root: Path, clocks: Clocks) -> None:
    async with element_at(root, expiry=ON_REQUEST) as element:
        file = await put(element, clocks)
        await expired(element)
        clocks.jumps(timedelta(days=400))
        await expired(element)
    async with element_at(root, expiry=ON_REQUEST) as element:
        await expired(element)
        assert await is_there(element, file)


async def test_a_clock_before_the_element_is_not_believed(element_at: ElementAt, root: Path, clocks: Clocks) -> None:
    clocks.jumps(-timedelta(days=400))
    async with element_at(root, expiry=ON_REQUEST) as element:
        await expired(element)
        assert (await status(element))["state"] == "suspended"


async def test_a_note_that_cannot_be_read_is_no_trust(element_at: ElementAt, root: Path, clocks: Clocks) -> None:
    async with element_at(root, expiry=ON_REQUEST) as element:
        await expired(element)
    (root / layout.NOTES / "clock.json").write_text("half")
    async with element_at(root, expiry=ON_REQUEST) as element:
        await expired(element)
        assert (await status(element))["state"] == "suspended"


async def test_the_real_clocks_are_watched(element_at: ElementAt, root: Path) -> None:
    """CLOCK_BOOTTIME goes on as it does, whatever is done to the wall clock."""
    async with element_at(root, expiry=ON_REQUEST) as element:
        file = await element.put(b"content", None, **temporary(datetime.now(UTC) + SOON))
        await expired(element)
        with time_machine.travel(datetime.now(UTC) + timedelta(days=400)):
            assert await element.services.care.expirer._clock.look() is None
        assert await element.services.care.expirer._clock.look() is not None
        assert await is_there(element, file)


@pytest.mark.parametrize("mode", [Mode.RW, Mode.RO, Mode.AR])
async def test_archives_expire_nothing(element_at: ElementAt, root: Path, clocks: Clocks, mode: Mode) -> None:
    async with element_at(root, expiry=ON_REQUEST) as element:
        file = await put(element, clocks)
        block = element.services.reader._superblocks.current
        element.services.care.expirer._superblocks.current.mode = mode
        clocks.passes(2 * SOON)
        assert await expired(element) == {}
        assert (await status(element))["state"] == "off"
        block.mode = Mode.EDIT
        assert await is_there(element, file)


async def test_it_can_be_switched_off(element_at: ElementAt, root: Path, clocks: Clocks) -> None:
    async with element_at(root, expiry=ON_REQUEST.model_copy(update={"enabled": False})) as element:
        file = await put(element, clocks)
        clocks.passes(2 * SOON)
        await expired(element)
        assert ((await status(element))["state"], await is_there(element, file)) == ("off", True)


async def test_rounds_begin_by_themselves_and_keep_their_pace(
    element_at: ElementAt, root: Path, clocks: Clocks
) -> None:
    async with element_at(root, expiry=ExpirySettings(interval_s=0.05, files_per_s=20)) as element:
        for _ in range(6):
            file = await put(element, clocks)
        clocks.passes(2 * SOON)
        began = asyncio.get_running_loop().time()

        async def gone() -> bool:
            return not await is_there(element, file)

        await eventually(gone)
        assert asyncio.get_running_loop().time() - began >= 0.2


@pytest.mark.parametrize(
    ("retention", "expires"),
    [
        (Retention(expires_at=datetime(2026, 1, 1, tzinfo=UTC)), True),
        (Retention(expires_at=datetime(2026, 1, 2, 0, 0, 0, 1, tzinfo=UTC)), False),
        (Retention(), False),
        (Retention(kind=RetentionKind.PERMANENT, expires_at=datetime(2026, 1, 1, tzinfo=UTC)), False),
    ],
)
def test_who_has_expired(retention: Retention, expires: bool) -> None:
    now, file = datetime(2026, 1, 2, tzinfo=UTC), document(retention=retention)
    if expires:
        must_have_expired(file, now)
    else:
        with pytest.raises(FileRetained):
            must_have_expired(file, now)
