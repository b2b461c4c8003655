"""Legal holds: placed on files, and released."""

from dataclasses import dataclass
from uuid import UUID

from artstore_kit.contracts.files import FileAttributes, Hold
from storage_element.domain import rules
from storage_element.domain.asker import Asker
from storage_element.services.four_eyes import Approved
from storage_element.services.write import Revision, Writer


@dataclass(frozen=True)
class Holds:
    """While a file is under one, nothing removes or alters it."""

    writer: Writer

    async def place(self, file_id: UUID, hold: Hold, if_match: str | None, asker: Asker) -> FileAttributes:
        """Put a file under a hold; nothing happens when it is under this one already."""
        revision = Revision(lambda file: rules.held(file, hold), asker, "hold.place")
        return await self.writer.revise(file_id, if_match, revision)

    async def release(
        self, file_id: UUID, hold_id: str, if_match: str | None, asker: Asker, approved: Approved
    ) -> FileAttributes:
        """Take a hold away; nothing happens, and nobody is asked, when the file is not under it."""
        revision = Revision(lambda file: rules.released(file, hold_id), asker, "hold.release", approved)
        return await self.writer.revise(file_id, if_match, revision)
