"""A storage element as the other services see it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote
from uuid import UUID

from pydantic import ValidationError

from artstore_kit.bytestream import ByteAnswer, ByteClient
from artstore_kit.callee import Callee, Credentials
from artstore_kit.contracts.approvals import APPROVAL_HEADER
from artstore_kit.contracts.elements import ElementReport
from artstore_kit.contracts.errors import ElementAnsweredBadly
from artstore_kit.contracts.files import (
    ATTRIBUTES_HEADER,
    AttributeChanges,
    ChangePage,
    FileAttributes,
    Hold,
    HoldPlacement,
    UploadAttributes,
)
from artstore_kit.contracts.paging import DEFAULT_LIMIT, Page
from artstore_kit.outbound import Outbound

FILES = "/api/v1/files"
POLL_GRACE_S = 5.0
"""A long poll is given this much longer than it was asked to wait."""


class ElementClient:
    """One storage element: control calls on one client, contents on the other, one breaker for both."""

    def __init__(self, control: Outbound, contents: ByteClient) -> None:
        self._control = control
        self._contents = contents

    @classmethod
    def at(cls, element_id: str, url: str, credentials: Credentials) -> "ElementClient":
        """For the element at `url`; close it at the end."""
        callee = Callee(element_id, url, credentials)
        return cls(Outbound(callee), ByteClient(callee))

    @property
    def callee(self) -> Callee:
        """Its address and breaker."""
        return self._control.callee

    async def close(self) -> None:
        """Close the connections."""
        await self._contents.close()
        await self._control.close()

    async def state(self) -> ElementReport:
        """Mode, epoch and capacity at this moment."""
        return await self._control.ask(ElementReport, "GET", "/api/v1/element")

    async def attributes(self, file_id: UUID) -> FileAttributes:
        """The newest attributes of a file."""
        return await self._control.ask(FileAttributes, "GET", f"{FILES}/{file_id}")

    async def glance(self, file_id: UUID) -> FileAttributes:
        """As `attributes`, but tried once and on the lean client: a tenth of the work, for who asks every element."""
        async with self._contents.get(f"{FILES}/{file_id}") as answer:
            return self._attributes(await answer.read())

    async def change(self, file_id: UUID, changes: AttributeChanges, revision: int | None = None) -> FileAttributes:
        """Set attributes; with `revision`, only when the file is still at it (`RevisionMismatch`)."""
        condition = {} if revision is None else {"If-Match": f'"r{revision}"'}
        document = changes.model_dump(mode="json", exclude_unset=True)
        return await self._control.ask(FileAttributes, "PATCH", f"{FILES}/{file_id}", json=document, headers=condition)

    async def hold(self, file_id: UUID, hold: Hold) -> FileAttributes:
        """Put a file under a legal hold; the same again changes nothing."""
        placement = HoldPlacement(reason=hold.reason)
        return await self._control.ask(FileAttributes, "PUT", hold_path(file_id, hold.id), json=placement)

    async def release(self, file_id: UUID, hold_id: str, approval: UUID) -> None:
        """Take a hold away; nothing happens when there is none. `ApprovalInvalid`."""
        await self._control.call("DELETE", hold_path(file_id, hold_id), headers={APPROVAL_HEADER: str(approval)})

    async def remove(self, file_id: UUID) -> None:
        """Delete a file."""
        await self._control.call("DELETE", f"{FILES}/{file_id}")

    async def files(self, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[FileAttributes]:
        """A page of all files."""
        return await self._control.ask(Page[FileAttributes], "GET", FILES, params={"limit": limit, "cursor": cursor})

    async def changes(self, after: int, *, limit: int, wait_s: float = 0) -> ChangePage:
        """What changed after a position of the journal; waits up to `wait_s` for something to happen.

        Tried once: after a failure the caller asks again without waiting, for the feed may have begun anew.
        """
        return await self._control.ask(
            ChangePage,
            "GET",
            "/api/v1/changes",
            params={"after": after, "limit": limit, "wait_s": wait_s},
            idempotent=False,
            deadline_s=wait_s + POLL_GRACE_S,
        )

    async def put_content(
        self,
        file_id: UUID,
        attributes: UploadAttributes,
        body: AsyncIterator[bytes],
        *,
        content_length: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> FileAttributes:
        """Store a file; `headers` may carry digests. Once this returns, the file is kept."""
        described = {ATTRIBUTES_HEADER: attributes_header(attributes), **(headers or {})}
        async with self._contents.put(f"{FILES}/{file_id}", body, described, content_length=content_length) as answer:
            return self._attributes(await answer.read())

    def open_content(
        self, file_id: UUID, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> AbstractAsyncContextManager[ByteAnswer]:
        """The content as a stream: 200, 206 or 304 as `headers` (Range, If-...) ask for."""
        return self._contents.get(f"{FILES}/{file_id}/content", headers, method=method)

    def _attributes(self, document: bytes) -> FileAttributes:
        try:
            return FileAttributes.model_validate_json(document)
        except ValidationError as error:
            raise ElementAnsweredBadly(f"{self.callee.name} answered with an unknown document.") from error


def hold_path(file_id: UUID, hold_id: str) -> str:
    """Where a hold is placed and released, at an element and at the ingester."""
    return f"{FILES}/{file_id}/holds/{quote(hold_id, safe='')}"


def attributes_header(attributes: UploadAttributes) -> str:
    """The value of `X-ArtStore-Attributes`: JSON in ASCII, as header fields are."""
    document = attributes.model_dump_json(exclude_none=True)
    return document if document.isascii() else json.dumps(json.loads(document), separators=(",", ":"))
