"""What the admin module is told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from running_element import ELEMENT_ID, ElementAt

from artstore_kit.contracts.elements import ElementReport, Fullness
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.patience import eventually
from storage_element.domain.capacity import Room


def reported(admin: AdminStandIn, wanted: Callable[[ElementReport], bool] = lambda _: True) -> bool:
    return any(wanted(report) for element_id, report in list(admin.reports) if element_id == ELEMENT_ID)


async def test_an_element_registers_and_reports(element_at: ElementAt, root: Path, admin: AdminStandIn) -> None:
    async with element_at(root, mode=Mode.RW, report_interval_s=0.02) as element:
        await element.put()

        async def told() -> bool:
            return reported(admin, lambda report: report.last_lsn == 1)

        await eventually(told)
    view = admin.elements[ELEMENT_ID]
    assert (view.mode, view.url, view.priority, view.site) == (Mode.RW, "http://127.0.0.1:8010", 100, "default")
    assert view.report is not None
    assert (view.report.epoch, view.report.writable, view.report.state) == (1, True, "ok")
    assert view.report.capacity.total_bytes > 0


async def test_an_element_that_was_forgotten_registers_again(
    element_at: ElementAt, root: Path, admin: AdminStandIn
) -> None:
    async with element_at(root, report_interval_s=0.02):

        async def known() -> bool:
            return ELEMENT_ID in admin.elements

        await eventually(known)
        admin.elements.clear()
        await eventually(known)


async def test_an_element_serves_without_the_admin_module(
    element_at: ElementAt, root: Path, admin: AdminStandIn
) -> None:
    async with element_at(root, report_interval_s=0.02) as element:
        await element.put()
        admin.failing = True
        file = await element.put(b"meanwhile")
        assert (await element.content(file.file_id)).content == b"meanwhile"
        admin.failing = False
        admin.reports.clear()

        async def told() -> bool:
            return reported(admin)

        await eventually(told, within_s=10)


@pytest.mark.parametrize(
    ("mode", "free_bytes", "writable", "state"),
    [
        (Mode.EDIT, 1000, True, "ok"),
        (Mode.EDIT, 100, False, "storage_full"),
        (Mode.RO, 1000, False, "ok"),
        (Mode.AR, 100, False, "storage_full"),
    ],
)
async def test_what_may_be_placed_here_is_told(
    element_at: ElementAt,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: Mode,
    free_bytes: int,
    writable: bool,
    state: str,
) -> None:
    monkeypatch.setattr("storage_element.adapters.local.files.LocalFiles.room", lambda _: Room(2000, free_bytes))
    async with element_at(root, mode=mode, reserve_bytes=100) as element:
        report = ElementReport.model_validate_json((await element.http.get("/api/v1/element")).content)
    assert (report.mode, report.writable, report.state) == (mode, writable, state)
    assert (report.capacity.fullness is Fullness.FULL) == (state == "storage_full")
