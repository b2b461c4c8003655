"""Elements that refuse, die, are late or lie: one file, or a clear answer and none."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from artstore_kit.contracts.elements import Capacity, Fullness
from artstore_kit.contracts.errors import (
    ArtStoreError,
    DatabaseUnavailable,
    InternalError,
    StorageFault,
    StorageFull,
    TokensUnverifiable,
)
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.element import Faults, StandInElement, open_element
from ingester_module.config import PlacementSettings

FILES = "/api/v1/files"
SMALL = b"a small document"
LARGE = bytes(range(256)) * 16_384
FULL = Capacity(total_bytes=100, used_bytes=100, free_bytes=0, fullness=Fullness.FULL)
type Start = Callable[..., Awaitable[httpx.AsyncClient]]


class FirstPutOnly(Faults):
    """The first delivery meets these faults; whatever follows does not."""

    def __init__(
        self, element: StandInElement, *, refuse: ArtStoreError | None = None, cut_after_bytes: int | None = None
    ) -> None:
        super().__init__(refuse=refuse, cut_after_bytes=cut_after_bytes)
        self._element = element

    def meet(self, method: str) -> Faults:
        first = method == "PUT" and len(list(self._element.requests("PUT"))) == 1
        return self if first else Faults()


class Lingering(set[UUID]):
    """Notices once only later that an upload has ended."""

    lingers = True

    def discard(self, file_id: object) -> None:
        if self.lingers:
            self.lingers = False
            asyncio.get_running_loop().call_later(0.1, super().discard, file_id)
        else:
            super().discard(file_id)


@pytest.fixture
async def client(start: Start, edit: StandInElement, second: StandInElement) -> httpx.AsyncClient:
    return await start(edit, second)


async def upload(client: httpx.AsyncClient, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    return await client.post(FILES, params={"name": "a"}, content=content, headers=headers)


def stored(answer: httpx.Response, element: StandInElement, content: bytes) -> None:
    assert answer.status_code == 201, answer.text
    file = FileAttributes.model_validate_json(answer.content)
    assert element.files[file.file_id].content == content


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.mark.parametrize("content", [SMALL, LARGE])
@pytest.mark.parametrize("error", [StorageFull(), StorageFault(), TokensUnverifiable(), DatabaseUnavailable()])
async def test_a_refusal_before_the_body_is_met_by_the_next_element(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement, error: ArtStoreError, content: bytes
) -> None:
    edit.faults.refuse = error
    stored(await upload(client, content), second, content)
    assert [put.path for put in edit.requests("PUT")] == [put.path for put in second.requests("PUT")]


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_an_element_that_takes_no_connection_is_passed_by(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement, content: bytes
) -> None:
    await edit.stop()
    stored(await upload(client, content), second, content)


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_a_mode_that_has_changed_meanwhile_is_met_by_the_next_element(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement, content: bytes
) -> None:
    edit.mode = Mode.RO
    stored(await upload(client, content), second, content)


async def test_when_every_element_refuses_each_reason_is_told(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement
) -> None:
    edit.faults.refuse = StorageFull("No room at edit-1.")
    await second.stop()
    answer = await upload(client, SMALL)
    refused(answer, 503, "no_element_available")
    assert answer.json()["elements"]["edit-1"] == "No room at edit-1."
    assert "no connection" in answer.json()["elements"]["edit-2"]
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("content", [SMALL, LARGE])
@pytest.mark.parametrize("fault", ["cut_before_answer", "gibberish"])
async def test_an_element_that_commits_and_does_not_say_so_is_asked(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement, fault: str, content: bytes
) -> None:
    edit.faults.methods = frozenset({"PUT"})
    setattr(edit.faults, fault, True)
    stored(await upload(client, content), edit, content)
    assert not second.files


async def test_a_failure_inside_an_element_is_no_refusal(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement
) -> None:
    edit.faults = FirstPutOnly(edit, refuse=InternalError())
    stored(await upload(client, SMALL), edit, SMALL)
    edit.faults = Faults(methods=frozenset({"PUT"}), refuse=InternalError())
    refused(await upload(client, SMALL), 503, "element_unavailable")
    assert not second.files


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_an_element_that_dies_with_the_answer_leaves_the_outcome_open(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement, content: bytes
) -> None:
    edit.faults.cut_before_answer = True
    answer = await upload(client, content)
    refused(answer, 503, "element_unavailable")
    assert "Idempotency-Key" in answer.json()["detail"]
    assert len(edit.files) == 1
    assert not second.files


async def test_a_small_body_that_was_lost_on_its_way_is_sent_again(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement
) -> None:
    edit.faults = FirstPutOnly(edit, cut_after_bytes=1)
    stored(await upload(client, SMALL), edit, SMALL)
    first, again = edit.requests("PUT")
    assert first.path == again.path
    assert not second.files


async def test_an_element_that_still_handles_the_first_delivery_is_waited_for(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement
) -> None:
    edit.faults = FirstPutOnly(edit, cut_after_bytes=1)
    edit.uploads = Lingering()
    stored(await upload(client, SMALL), edit, SMALL)
    assert len(list(edit.requests("PUT"))) >= 3
    assert not second.files


async def test_a_large_body_that_was_lost_on_its_way_is_nowhere(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement
) -> None:
    edit.faults.cut_after_bytes = len(LARGE) // 2
    refused(await upload(client, LARGE), 503, "element_unavailable")
    assert not edit.files
    assert not second.files


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_what_an_element_stored_wrongly_is_removed(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement, content: bytes
) -> None:
    edit.faults.wrong_digest = True
    refused(await upload(client, content), 502, "element_answered_badly")
    assert not edit.files
    assert not second.files


async def test_what_an_archive_stored_wrongly_is_told_though_it_stays(start: Start, rw: StandInElement) -> None:
    client = await start(rw)
    rw.faults.wrong_digest = True
    answer = await client.post(FILES, params={"name": "a", "retention": "permanent"}, content=SMALL)
    refused(answer, 502, "element_answered_badly")


async def test_a_late_answer_is_waited_for(client: httpx.AsyncClient, edit: StandInElement) -> None:
    edit.faults.answer_after_s = 0.5
    stored(await upload(client, SMALL), edit, SMALL)


async def test_an_element_that_keeps_failing_is_not_tried_any_more(
    client: httpx.AsyncClient, edit: StandInElement, second: StandInElement
) -> None:
    await edit.stop()
    for _ in range(7):
        stored(await upload(client, SMALL), second, SMALL)
    await edit.start()
    stored(await upload(client, SMALL), second, SMALL)
    assert not list(edit.requests("PUT"))


async def test_full_and_foreign_elements_are_passed_over(start: Start, second: StandInElement) -> None:
    async with open_element("edit-0", priority=1) as full, open_element("edit-9", site="far", priority=1) as far:
        full.capacity = FULL
        client = await start(full, second, far)
        stored(await upload(client, SMALL), second, SMALL)
        client = await start(full, second, far, placement=PlacementSettings(site="far"))
        stored(await upload(client, SMALL), far, SMALL)


async def test_without_any_element(start: Start, rw: StandInElement) -> None:
    answer = await upload(await start(rw), SMALL)
    refused(answer, 503, "no_element_available")
    assert answer.json()["elements"] == {"rw-1": "its mode is rw, not edit"}


async def test_without_a_list_of_elements(start: Start, admin: AdminStandIn, edit: StandInElement) -> None:
    client = await start(edit)
    stored(await upload(client, SMALL), edit, SMALL)
    admin.stop()
    stored(await upload(client, SMALL), edit, SMALL)
