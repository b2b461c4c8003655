"""Where a file is and what is known of it: from memory, from the index, else from the elements themselves."""

from dataclasses import dataclass
from uuid import UUID

from cachetools import TTLCache

from artstore_kit.contracts.errors import IndexUnavailable
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.identity import Action
from artstore_kit.principal import Principal
from query_module.adapters.finding import Known
from query_module.adapters.lookups import LookUps
from query_module.services.ask_all import AskAll

REMEMBERED = 100_000


@dataclass(frozen=True)
class Location:
    """Which element has the file, and which collection's rights protect it."""

    element_id: str
    collection: str


class Locator:
    """An index that is behind or down hides no file: what it does not have, the elements are asked for."""

    def __init__(self, look_ups: LookUps, ask_all: AskAll, remembered_s: float) -> None:
        self._look_ups = look_ups
        self._ask_all = ask_all
        self._remembered: TTLCache[UUID, Location] = TTLCache(REMEMBERED, remembered_s)

    async def describe(self, file_id: UUID, who: Principal) -> Known:
        """The newest attributes that are known here."""
        known = await self._known(file_id)
        who.require_grant(Action.READ, known.collection)
        return known

    async def locate(self, file_id: UUID) -> Location:
        """Where the file was a moment ago; `search` finds it if it has moved."""
        location = self._remembered.get(file_id)
        if location is None:
            known = await self._known(file_id)
            location = self._remembered[file_id] = Location(known.element_id, known.collection)
        return location

    async def search(self, file_id: UUID, *, wrong: Location, silent: bool) -> Location:
        """Where the file is, when the element in `wrong` does not have it, or does not answer (`silent`)."""
        self._remembered.pop(file_id, None)
        there = {wrong.element_id}
        found = await self._ask_all.find(file_id, but=() if silent else there, silent=there if silent else ())
        location = self._remembered[file_id] = Location(found.element.id, found.collection)
        return location

    async def _known(self, file_id: UUID) -> Known:
        try:
            known = await self._look_ups.find(file_id)
        except IndexUnavailable:
            known = None
        return known or _told(await self._ask_all.find(file_id))


def _told(file: FileAttributes) -> Known:
    return Known(file.file_id, file.element.id, file.collection, file.revision, file.to_json().decode())
