"""Placing and releasing legal holds at whichever element has the file."""

from uuid import UUID

from artstore_kit.contracts.elements import ElementView
from artstore_kit.contracts.files import Hold
from artstore_kit.contracts.identity import Action
from artstore_kit.principal import Principal
from ingester_module.adapters.element_files import Answer, ElementFiles, Terms, Told
from ingester_module.services.seen_files import SeenFiles


class Holds:
    """The use cases behind `PUT` and `DELETE /api/v1/files/{file_id}/holds/{hold_id}`."""

    def __init__(self, seen: SeenFiles, elements: ElementFiles) -> None:
        self._seen = seen
        self._elements = elements

    async def place(self, file_id: UUID, hold: Hold, who: Principal, *, if_match: str | None) -> Answer:
        """The attributes of the file under the hold."""

        async def apply(element: ElementView, file: Told) -> Answer:
            who.require_grant(Action.WRITE, file.collection)
            return await self._elements.hold(element, file_id, hold, Terms(who.on_whose_behalf, file.revision))

        return await self._seen.at_seen_revision(file_id, who.on_whose_behalf, if_match, apply)

    async def release(
        self, file_id: UUID, hold_id: str, who: Principal, *, if_match: str | None, approval: UUID | None
    ) -> None:
        """Take the hold away; the element asks whether it is approved."""

        async def apply(element: ElementView, file: Told) -> None:
            who.require_grant(Action.WRITE, file.collection)
            terms = Terms(who.on_whose_behalf, file.revision, approval)
            await self._elements.release(element, file_id, hold_id, terms)

        await self._seen.at_seen_revision(file_id, who.on_whose_behalf, if_match, apply)
