"""Placing a file: the best element first, the next one only while the file certainly lies nowhere."""

from collections.abc import Awaitable, Callable

from artstore_kit.contracts.errors import ElementUnavailable
from artstore_kit.contracts.files import UploadAttributes
from artstore_kit.registry import ElementDirectory
from ingester_module.adapters.element_files import ElementFiles
from ingester_module.domain.content import Content
from ingester_module.domain.outcome import Receipt
from ingester_module.domain.placement import Ranking, Wish, none_available, rank
from ingester_module.services.delivery import Delivery, NotStored, Upload

type Note = Callable[[str], Awaitable[None]]
"""Told the id of each element before it is tried."""


class Placing:
    """Chooses elements and delivers to them."""

    def __init__(self, directory: ElementDirectory, elements: ElementFiles, site: str) -> None:
        self._directory = directory
        self._elements = elements
        self._delivery = Delivery(elements)
        self._site = site

    def ranking(self, attributes: UploadAttributes, content: Content) -> Ranking:
        """The elements that may take such a file now, best first, and why the others may not."""
        alive = {element.element_id for element in self._directory.alive()}
        wish = self._wish(attributes, content)
        return rank(self._directory.elements(), wish, alive, self._elements.circuit_open)

    async def place(self, upload: Upload, ranking: Ranking, note: Note | None = None) -> Receipt:
        """Deliver to the first candidate that takes the file."""
        await self._elements.require_account()
        obstacles = dict(ranking.passed_over)
        for element in ranking.candidates:
            if note:
                await note(element.element_id)
            try:
                return await self._delivery.deliver(element, upload)
            except NotStored as refusal:
                obstacles[element.element_id] = refusal.error.detail
        raise none_available(self._wish(upload.attributes, upload.content), obstacles)

    async def finish(self, upload: Upload, element_id: str, ranking: Ranking, note: Note) -> Receipt:
        """Deliver what an earlier request may have delivered: to the same element, whatever its rank is now."""
        await self._elements.require_account()
        element = self._directory.find(element_id)
        if element is None:
            raise ElementUnavailable(f"The element {element_id}, which may have this file, is not known now.")
        try:
            return await self._delivery.deliver(element, upload)
        except NotStored as refusal:
            others = tuple(other for other in ranking.candidates if other.element_id != element_id)
            passed_over = {**ranking.passed_over, element_id: refusal.error.detail}
            return await self.place(upload, Ranking(others, passed_over), note)

    def _wish(self, attributes: UploadAttributes, content: Content) -> Wish:
        return Wish(attributes.retention.kind, content.size_bytes, self._site)
