"""Operations that wait for their commit, and those who wait for what becomes of them: each is told, once."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from artstore_kit.contracts.errors import StorageUnavailable
from artstore_kit.contracts.files import FileAttributes
from storage_element.domain.origin import Origin
from storage_element.domain.records import NO_STAGING, Kind

CLOSED_WITHIN_S = 10.0

ACTION_OF = {
    Kind.CREATE_INLINE: "file.create",
    Kind.CREATE_STAGED: "file.create",
    Kind.CHANGE: "file.change",
    Kind.REMOVE: "file.remove",
    Kind.REPLACE_INLINE: "file.replace",
    Kind.REPLACE_STAGED: "file.replace",
}
"""What the audit log calls an operation that says nothing else."""


class Outcome(asyncio.Future[FileAttributes]):
    """What becomes of a draft. Whoever waits for it is cancelled only when it is known: until then the journal may hold
    the draft."""

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - the signature is asyncio's
        """Never."""
        return False


@dataclass(eq=False)
class Draft:
    """An operation that waits for its commit; the commit gives it its LSN.

    The audit log is told that `origin` did `action`.
    """

    kind: Kind
    attributes: FileAttributes
    content: bytes = b""
    staging: UUID = NO_STAGING
    origin: Origin | None = None
    action: str = ""
    done: Outcome = field(default_factory=Outcome)

    def origin_bytes(self) -> bytes:
        """What its record keeps of who wanted it."""
        return self.origin.to_bytes(self.action or ACTION_OF[self.kind]) if self.origin else b""


class Drafts:
    """All that were taken and whose outcome is not known yet."""

    def __init__(self) -> None:
        self._open: set[Draft] = set()
        self.are_closed = False

    def add(self, draft: Draft) -> None:
        """Somebody waits for this one."""
        self._open.add(draft)

    def done(self, drafts: Iterable[Draft]) -> None:
        """They are on stable storage and in place; who was told something else before hears nothing more."""
        for draft in drafts:
            self._open.discard(draft)
            if not draft.done.done():
                draft.done.set_result(draft.attributes)

    def refuse(self, drafts: Iterable[Draft], error: Exception) -> None:
        """Tell those who were told nothing yet."""
        for draft in drafts:
            self._open.discard(draft)
            if not draft.done.done():
                draft.done.set_exception(error)

    async def close(self) -> None:
        """Return when everybody was told: after `CLOSED_WITHIN_S`, that nobody knows. No more may be added."""
        self.are_closed = True
        if self._open:
            await asyncio.wait([draft.done for draft in self._open], timeout=CLOSED_WITHIN_S)
        self.refuse(list(self._open), stopping())


def stopping() -> StorageUnavailable:
    """What those are told whom the end of the element's service overtakes."""
    return StorageUnavailable("The element is stopping; what was not answered may have been done.")
