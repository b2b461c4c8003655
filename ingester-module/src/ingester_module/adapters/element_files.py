"""The files of storage elements: put, asked for, changed and removed over HTTP, one connection pool an element."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, Field, ValidationError

from artstore_kit.breaker import State
from artstore_kit.bytestream import ByteClient
from artstore_kit.callee import Callee, Credentials
from artstore_kit.clients.element import FILES, attributes_header, hold_path
from artstore_kit.contracts.approvals import APPROVAL_HEADER
from artstore_kit.contracts.batches import BatchedFile
from artstore_kit.contracts.elements import ElementView
from artstore_kit.contracts.errors import ElementAnsweredBadly
from artstore_kit.contracts.files import (
    ATTRIBUTES_HEADER,
    SHA256_PATTERN,
    AttributeChanges,
    Hold,
    HoldPlacement,
    UploadAttributes,
)
from artstore_kit.contracts.identity import ACTING_FOR_HEADER
from artstore_kit.digests import REPR_DIGEST_HEADER, format_sha256
from artstore_kit.outbound import Outbound
from artstore_kit.request_context import address, request_id
from ingester_module.adapters.batches import Batches
from ingester_module.domain.content import Content, Whole
from ingester_module.domain.revisions import revision_tag

ANSWER_LIMIT_BYTES = 65_536


@dataclass(frozen=True)
class _Link:
    callee: Callee
    contents: ByteClient
    batches: Batches
    control: Outbound

    async def close(self) -> None:
        await self.batches.close()
        await self.contents.close()
        await self.control.close()


class ToldContent(BaseModel):
    """What an element says of a file's content, as far as the ingester asks."""

    size: int = Field(ge=0)
    sha256: str = Field(pattern=SHA256_PATTERN)


class Told(BaseModel):
    """What an element says of a file, as far as the ingester asks; the rest is for the sender and goes by unread."""

    file_id: UUID
    revision: int
    collection: str
    content: ToldContent


@dataclass(frozen=True)
class Answer:
    """An element's answer, byte for byte, and what it means."""

    document: bytes
    file: Told


@dataclass(frozen=True)
class Terms:
    """For whom, at which revision alone (`RevisionMismatch`), and with whose approval something is done."""

    acting_for: str = ""
    revision: int | None = None
    approval: UUID | None = None

    def headers(self) -> Mapping[str, str]:
        """As the element reads them."""
        given = {
            ACTING_FOR_HEADER: self.acting_for,
            "If-Match": revision_tag(self.revision) if self.revision else "",
            APPROVAL_HEADER: str(self.approval or ""),
        }
        return {name: value for name, value in given.items() if value}


WITHOUT_TERMS = Terms()


class ElementFiles:
    """Every call goes to the element that is named; nothing is decided here."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._links: dict[tuple[str, str], _Link] = {}

    async def close(self) -> None:
        """Close all connections."""
        for link in self._links.values():
            await link.close()

    async def require_account(self) -> None:
        """Raise `DependencyUnavailable` when this service can prove to no element who it is."""
        await self._credentials.token()

    def circuit_open(self, element: ElementView) -> bool:
        """Whether calls to the element are refused now, without being tried."""
        return self._link(element).callee.breaker.state is State.OPEN

    async def put(
        self, element: ElementView, file_id: UUID, attributes: UploadAttributes, content: Content, acting_for: str
    ) -> Answer:
        """Store a file; the same again changes nothing. Once this returns, the element has committed."""
        link = self._link(element)
        if isinstance(content, Whole):
            sha256 = content.digest.hex()
            file = BatchedFile(
                file_id=file_id,
                acting_for=acting_for,
                request_id=request_id.get(),
                address=address()[:64],
                sha256=sha256,
                attributes=attributes,
            )
            return _understood(element, await link.batches.put(file, content.data))
        headers = {ATTRIBUTES_HEADER: attributes_header(attributes), ACTING_FOR_HEADER: acting_for}
        if content.announced_sha256:
            headers[REPR_DIGEST_HEADER] = format_sha256(content.announced_sha256)
        async with link.contents.put(
            f"{FILES}/{file_id}",
            content.chunks(),
            headers,
            content_length=content.size_bytes,
            expect_continue=True,
        ) as answer:
            return _understood(element, await answer.read(ANSWER_LIMIT_BYTES))

    async def get(self, element: ElementView, file_id: UUID, acting_for: str) -> Answer:
        """What the element knows of a file; `FileUnknown` when nothing."""
        headers = {ACTING_FOR_HEADER: acting_for}
        response = await self._link(element).control.call("GET", f"{FILES}/{file_id}", headers=headers)
        return _understood(element, response.content)

    async def change(self, element: ElementView, file_id: UUID, changes: AttributeChanges, terms: Terms) -> Answer:
        """Set attributes."""
        document = changes.model_dump(mode="json", exclude_unset=True)
        call = self._link(element).control.call
        response = await call("PATCH", f"{FILES}/{file_id}", json=document, headers=terms.headers())
        return _understood(element, response.content)

    async def hold(self, element: ElementView, file_id: UUID, hold: Hold, terms: Terms) -> Answer:
        """Put a file under a legal hold; the same again changes nothing."""
        placement = HoldPlacement(reason=hold.reason)
        call = self._link(element).control.call
        response = await call("PUT", hold_path(file_id, hold.id), json=placement, headers=terms.headers())
        return _understood(element, response.content)

    async def release(self, element: ElementView, file_id: UUID, hold_id: str, terms: Terms) -> None:
        """Take a hold away; nothing happens when there is none."""
        await self._link(element).control.call("DELETE", hold_path(file_id, hold_id), headers=terms.headers())

    async def remove(self, element: ElementView, file_id: UUID, terms: Terms = WITHOUT_TERMS) -> None:
        """Delete a file, where the element's mode allows it."""
        await self._link(element).control.call("DELETE", f"{FILES}/{file_id}", headers=terms.headers())

    def _link(self, element: ElementView) -> _Link:
        """An element that has moved gets new connections; its former ones fall silent."""
        name = (element.element_id, element.url)
        if name not in self._links:
            callee = Callee(element.element_id, element.url, self._credentials)
            contents = ByteClient(callee)
            self._links[name] = _Link(callee, contents, Batches(callee, contents), Outbound(callee))
        return self._links[name]


def _understood(element: ElementView, document: bytes) -> Answer:
    try:
        return Answer(document, Told.model_validate_json(document))
    except ValidationError:
        raise ElementAnsweredBadly(f"{element.element_id} answered with an unknown document.") from None
