"""The typed clients against the stand-ins of the services."""

import hashlib
from collections.abc import AsyncIterator

import pytest

from artstore_kit.clients.admin import AdminClient
from artstore_kit.clients.element import ElementClient
from artstore_kit.contracts.approvals import ApprovalUse, GuardedOperation
from artstore_kit.contracts.elements import ElementRegistration
from artstore_kit.contracts.errors import (
    ApprovalInvalid,
    ApprovalUnknown,
    ElementUnknown,
    FileHeld,
    FileUnknown,
    RevisionMismatch,
)
from artstore_kit.contracts.files import AttributeChanges, FileAttributes, Hold, UploadAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.element import StandInElement, open_element
from artstore_kit.tokens.service_token import ServiceToken

CONTENT = b"content" * 1000
ATTRIBUTES = UploadAttributes(name="отчёт 📄.txt", tags=["годовой"])


@pytest.fixture
async def tokens(admin: AdminStandIn) -> AsyncIterator[ServiceToken]:
    tokens = ServiceToken.of(admin.address(), admin.account())
    yield tokens
    await tokens.close()


@pytest.fixture
async def element() -> AsyncIterator[StandInElement]:
    async with open_element() as element:
        yield element


@pytest.fixture
async def client(element: StandInElement, tokens: ServiceToken) -> AsyncIterator[ElementClient]:
    client = ElementClient.at("edit-1", element.url, tokens)
    yield client
    await client.close()


async def _body() -> AsyncIterator[bytes]:
    for start in range(0, len(CONTENT), 1000):
        yield CONTENT[start : start + 1000]


async def _put(client: ElementClient) -> FileAttributes:
    return await client.put_content(new_file_id(), ATTRIBUTES, _body(), content_length=len(CONTENT))


async def test_content_goes_in_and_comes_out(client: ElementClient) -> None:
    file = await _put(client)
    assert (file.content.name, file.tags) == (ATTRIBUTES.name, ATTRIBUTES.tags)
    assert file.content.sha256 == hashlib.sha256(CONTENT).hexdigest()
    async with client.open_content(file.file_id) as answer:
        assert await answer.read() == CONTENT
    async with client.open_content(file.file_id, {"Range": "bytes=0-6"}) as answer:
        assert (answer.status, await answer.read()) == (206, b"content")
    async with client.open_content(file.file_id, method="HEAD") as answer:
        assert answer.headers["content-length"] == str(len(CONTENT))


async def test_content_that_is_not_there(client: ElementClient) -> None:
    with pytest.raises(FileUnknown):
        async with client.open_content(new_file_id()):
            pass


async def test_attributes_change_at_their_revision(client: ElementClient) -> None:
    file = await _put(client)
    changed = await client.change(file.file_id, AttributeChanges(tags=["new"]), file.revision)
    assert (changed.tags, changed.content.name) == (["new"], ATTRIBUTES.name)
    assert await client.attributes(file.file_id) == await client.glance(file.file_id) == changed
    with pytest.raises(RevisionMismatch):
        await client.change(file.file_id, AttributeChanges(tags=["late"]), file.revision)


async def test_lists_and_changes(client: ElementClient) -> None:
    kept, removed = await _put(client), await _put(client)
    await client.remove(removed.file_id)
    page = await client.files(limit=1)
    assert [file.file_id for file in page.items] == [kept.file_id]
    feed = await client.changes(0, limit=10, wait_s=1)
    assert [(each.file_id, each.attributes is None) for each in feed.items] == [
        (kept.file_id, False),
        (removed.file_id, True),
    ]
    assert (await client.changes(feed.next_after, limit=10, wait_s=0.1)).items == []


async def test_an_element_registers_and_reports(
    admin: AdminStandIn, tokens: ServiceToken, element: StandInElement
) -> None:
    client = AdminClient.of(admin.address(), tokens)
    with pytest.raises(ElementUnknown):
        await client.report("edit-1", element.report())
    await client.register("edit-1", ElementRegistration(url=element.url, mode=Mode.EDIT, epoch=1, priority=5))
    await client.report("edit-1", element.report())
    assert [each.element_id for each in await client.elements()] == ["edit-1"]
    assert (await client.element("edit-1")).report == element.report()
    await client.close()


async def test_a_held_file_stays_until_it_is_released(client: ElementClient) -> None:
    file = await _put(client)
    hold = Hold(id="дело 7/8?", reason="суд")
    held = await client.hold(file.file_id, hold)
    assert held.holds == [hold]
    assert await client.hold(file.file_id, hold) == held
    with pytest.raises(FileHeld):
        await client.remove(file.file_id)
    with pytest.raises(FileHeld):
        await client.change(file.file_id, AttributeChanges(tags=["x"]))
    for _ in range(2):
        await client.release(file.file_id, hold.id, new_file_id())
    await client.remove(file.file_id)


async def test_an_approval_is_good_for_its_deed_alone(admin: AdminStandIn, tokens: ServiceToken) -> None:
    use = ApprovalUse(operation=GuardedOperation.HOLD_RELEASE, resource="hold:1/case-7", by="ada")
    approval_id = admin.approve(use)
    client = AdminClient.of(admin.address(), tokens)
    for _ in range(2):
        assert (await client.use_approval(approval_id, use)).approval_id == approval_id
    assert admin.uses == [use, use]
    with pytest.raises(ApprovalInvalid):
        await client.use_approval(approval_id, use.model_copy(update={"by": "bob"}))
    with pytest.raises(ApprovalInvalid):
        await client.use_approval(approval_id, use.model_copy(update={"seen": "placed anew"}))
    with pytest.raises(ApprovalUnknown):
        await client.use_approval(new_file_id(), use)
    await client.close()
