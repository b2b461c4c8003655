"""Files as the elements show them: found at whichever has them, and acted upon at the revision that was seen."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from uuid import UUID

from cachetools import TTLCache

from artstore_kit.contracts.elements import ElementView
from artstore_kit.contracts.errors import ArtStoreError, ElementUnavailable, FileUnknown, RevisionMismatch
from artstore_kit.registry import ElementDirectory
from ingester_module.adapters.element_files import ElementFiles, Told
from ingester_module.domain.revisions import revision_matches

REMEMBERED_FILES = 10_000
REMEMBERED_FOR_S = 300
REVISION_TRIES = 3

type Found = tuple[ElementView, Told]


class SeenFiles:
    """Where files lie."""

    def __init__(self, directory: ElementDirectory, elements: ElementFiles) -> None:
        self._directory = directory
        self._elements = elements
        self._where: TTLCache[UUID, str] = TTLCache(REMEMBERED_FILES, REMEMBERED_FOR_S)

    async def at_seen_revision[Result](
        self,
        file_id: UUID,
        acting_for: str,
        if_match: str | None,
        apply: Callable[[ElementView, Told], Awaitable[Result]],
    ) -> Result:
        """Rights are checked on a revision, so that this one alone may be changed; when it is another by then, again.

        A sender who named a revision hears of it instead. The elements are asked in the name of `acting_for`.
        """
        for tries_left in reversed(range(REVISION_TRIES)):
            element, file = await self._found(file_id, acting_for)
            if not revision_matches(if_match, file.revision):
                raise RevisionMismatch(f"The file is at revision {file.revision}.", revision=file.revision)
            try:
                return await apply(element, file)
            except RevisionMismatch:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _found(self, file_id: UUID, acting_for: str) -> Found:
        """The element that was seen with the file of late is asked first, then all others side by side."""
        elements = self._directory.elements()
        remembered = self._where.get(file_id)
        unanswered: list[str] = []
        for near in (True, False):
            near_or_far = [element for element in elements if (element.element_id == remembered) is near]
            asked = [self._asked(element, file_id, acting_for, unanswered) for element in near_or_far]
            if found := await _first_found(asked):
                self._where[file_id] = found[0].element_id
                return found
        if unanswered:
            raise ElementUnavailable(f"No element that answers has this file; no answer from {', '.join(unanswered)}.")
        raise FileUnknown

    async def _asked(self, element: ElementView, file_id: UUID, acting_for: str, unanswered: list[str]) -> Found | None:
        try:
            return element, (await self._elements.get(element, file_id, acting_for)).file
        except FileUnknown:
            return None
        except ArtStoreError:
            unanswered.append(element.element_id)
            return None


async def _first_found(asked: Iterable[Coroutine[None, None, Found | None]]) -> Found | None:
    """All are asked side by side, and whoever has not answered by then is not waited for."""
    tasks = [asyncio.create_task(each) for each in asked]
    try:
        for task in asyncio.as_completed(tasks):
            if found := await task:
                return found
        return None
    finally:
        for each in tasks:
            each.cancel()
