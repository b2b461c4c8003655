"""Changing and removing files at whichever element has them."""

from uuid import UUID

from artstore_kit.contracts.elements import ElementView
from artstore_kit.contracts.files import AttributeChanges
from artstore_kit.contracts.identity import Action
from artstore_kit.principal import Principal
from ingester_module.adapters.element_files import Answer, ElementFiles, Terms, Told
from ingester_module.services.seen_files import SeenFiles


class Changes:
    """The use cases behind `PATCH` and `DELETE /api/v1/files/{file_id}`."""

    def __init__(self, seen: SeenFiles, elements: ElementFiles) -> None:
        self._seen = seen
        self._elements = elements

    async def change(self, file_id: UUID, changes: AttributeChanges, who: Principal, *, if_match: str | None) -> Answer:
        """The attributes after the change; a file moves to another collection only with rights on both."""

        async def apply(element: ElementView, file: Told) -> Answer:
            who.require_grant(Action.WRITE, file.collection)
            who.require_grant(Action.WRITE, changes.collection or file.collection)
            return await self._elements.change(element, file_id, changes, Terms(who.on_whose_behalf, file.revision))

        return await self._seen.at_seen_revision(file_id, who.on_whose_behalf, if_match, apply)

    async def remove(
        self, file_id: UUID, who: Principal, *, if_match: str | None, approval: UUID | None = None
    ) -> None:
        """Delete the file, where the element's mode allows it."""

        async def apply(element: ElementView, file: Told) -> None:
            who.require_grant(Action.DELETE, file.collection)
            await self._elements.remove(element, file_id, Terms(who.on_whose_behalf, file.revision, approval))

        await self._seen.at_seen_revision(file_id, who.on_whose_behalf, if_match, apply)
