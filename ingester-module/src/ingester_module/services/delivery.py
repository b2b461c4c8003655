"""Delivering a file to one element, until it is known whether the element has it."""

import asyncio
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

from artstore_kit.contracts.elements import ElementView
from artstore_kit.contracts.errors import (
    ArtStoreError,
    ElementAnsweredBadly,
    ElementUnavailable,
    FileExists,
    FileUnknown,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    UploadInProgress,
)
from artstore_kit.contracts.files import UploadAttributes
from artstore_kit.logs import event_logger
from ingester_module import metrics
from ingester_module.adapters.element_files import Answer, ElementFiles
from ingester_module.domain.content import Content, Stream
from ingester_module.domain.outcome import Meaning, Receipt, meaning_of

SETTLING_TRIES = 20
SETTLING_PAUSE_S = 0.25


@dataclass(frozen=True)
class Upload:
    """A file that is to be stored under an id."""

    file_id: UUID
    attributes: UploadAttributes
    content: Content
    acting_for: str
    repeated: bool = False
    """An earlier request may have stored it already."""


class NotStored(Exception):
    """The element certainly does not have the file, and another may be tried."""

    def __init__(self, error: ArtStoreError) -> None:
        super().__init__(error.detail)
        self.error = error


class Delivery:
    """One attempt at one element, and its settling when the answer was lost."""

    def __init__(self, elements: ElementFiles) -> None:
        self._elements = elements

    async def deliver(self, element: ElementView, upload: Upload) -> Receipt:
        """The element's answer once it has committed; `NotStored` when another element may be tried."""
        try:
            answer = await self._put(element, upload)
        except ArtStoreError as error:
            match meaning_of(error, upload.content):
                case Meaning.PASS_ON:
                    raise
                case Meaning.NEXT if not upload.repeated:
                    _pass_by(element, error)
                case _:
                    answer = await self._settle(element, upload, error)
        return await self._accept(element, upload, answer)

    async def _put(self, element: ElementView, upload: Upload) -> Answer:
        try:
            return await self._elements.put(
                element, upload.file_id, upload.attributes, upload.content, upload.acting_for
            )
        except FileExists:
            if upload.repeated:
                raise IdempotencyKeyReused(
                    "The earlier request with this Idempotency-Key sent other content."
                ) from None
            raise ElementAnsweredBadly(f"{element.element_id} has another file under a new id.") from None
        except UploadInProgress:
            if upload.repeated:
                raise IdempotencyInProgress(headers={"Retry-After": "1"}) from None
            raise

    async def _settle(self, element: ElementView, upload: Upload, error: ArtStoreError) -> Answer:
        """Ask the element itself whether it has the file."""
        metrics.UNSURE.labels(element.element_id).inc()
        event_logger().warning(
            "delivery unsure", element=element.element_id, file_id=str(upload.file_id), code=error.code
        )
        try:
            answer = await self._elements.get(element, upload.file_id, upload.acting_for)
        except FileUnknown:
            return await self._send_again(element, upload, error)
        except ArtStoreError as failure:
            raise _unknown_outcome(element) from failure
        if isinstance(upload.content, Stream):
            await upload.content.read_through()
            if not upload.content.complete:
                raise _unknown_outcome(element)
        return answer

    async def _send_again(self, element: ElementView, upload: Upload, error: ArtStoreError) -> Answer:
        """To the same element, which may only be slow: the same file twice is one file there."""
        if isinstance(upload.content, Stream):
            if upload.content.past_head:
                raise ElementUnavailable(f"{element.element_id} failed while it took the file: {error.detail}")
            _pass_by(element, error)
        for _ in range(SETTLING_TRIES):
            try:
                return await self._put(element, upload)
            except UploadInProgress:
                await asyncio.sleep(SETTLING_PAUSE_S)
            except ArtStoreError as again:
                match meaning_of(again, upload.content):
                    case Meaning.PASS_ON:
                        raise
                    case Meaning.NEXT:
                        _pass_by(element, again)
                    case Meaning.UNSURE:
                        raise _unknown_outcome(element) from again
        raise _unknown_outcome(element)

    async def _accept(self, element: ElementView, upload: Upload, answer: Answer) -> Receipt:
        content = answer.file.content
        if answer.file.file_id != upload.file_id or bytes.fromhex(content.sha256) != upload.content.digest:
            await self._reject(element, upload, content.sha256)
        metrics.STORED.labels(element.element_id).inc()
        metrics.STORED_BYTES.labels(element.element_id).inc(content.size)
        return Receipt(upload.file_id, answer.document)

    async def _reject(self, element: ElementView, upload: Upload, found: str) -> NoReturn:
        """What is not what was sent shall not be found."""
        if upload.repeated:
            raise IdempotencyKeyReused("The earlier request with this Idempotency-Key sent other content.")
        metrics.WRONG_CONTENT.labels(element.element_id).inc()
        undone = await self._removed(element, upload.file_id)
        event_logger().error(
            "element stored other content than was sent",
            element=element.element_id,
            file_id=str(upload.file_id),
            sent_sha256=upload.content.digest.hex(),
            stored_sha256=found,
            undone=undone,
        )
        raise ElementAnsweredBadly(f"{element.element_id} stored something else than was sent.")

    async def _removed(self, element: ElementView, file_id: UUID) -> str:
        """An archive does not delete: there the log must do."""
        try:
            await self._elements.remove(element, file_id)
        except ArtStoreError as error:
            return f"no, {error.code}"
        return "yes"


def _pass_by(element: ElementView, error: ArtStoreError) -> NoReturn:
    metrics.PASSED_BY.labels(element.element_id, error.code).inc()
    event_logger().warning("element passed by", element=element.element_id, code=error.code, detail=error.detail)
    raise NotStored(error) from error


def _unknown_outcome(element: ElementView) -> ElementUnavailable:
    return ElementUnavailable(
        f"{element.element_id} was lost before it said whether the file is stored. Send it again with the same "
        "Idempotency-Key, and there will be one file.",
        headers={"Retry-After": "5"},
    )
