"""Four eyes at the SDK: approvals asked for, looked at, given and refused."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID, uuid4

from pydantic import ValidationError

from artstore.connection import Connection, Request
from artstore_kit.contracts.approvals import (
    APPROVAL_HEADER,
    Approval,
    ApprovalDecision,
    ApprovalState,
    GuardedOperation,
    NewApproval,
)
from artstore_kit.contracts.errors import InvalidFields
from artstore_kit.contracts.idempotency import IDEMPOTENCY_KEY_HEADER
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.contracts.paging import MAX_LIMIT, Page

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Approvals:
    """For people: one asks, another one decides, and the first does it with the approval's id.

    What decides is sent once: after a lost answer `one` or `all` tells what became of it.
    """

    connection: Connection

    async def ask(self, operation: GuardedOperation | str, resource: str, reason: str) -> Approval:
        """Ask for one, such as for `hold.release` of `hold:<file id>/<hold id>`; it waits for another administrator."""
        new = {"operation": operation, "resource": resource, "reason": reason}
        try:
            document = NewApproval.model_validate(new).model_dump_json().encode()
        except ValidationError as error:
            raise InvalidFields(f"The approval: {error.errors()[0]['msg']}.") from None
        return await self._asked("POST", "", document, {IDEMPOTENCY_KEY_HEADER: uuid4().hex})

    async def approve(self, approval_id: UUID | str, comment: str = "") -> Approval:
        """Say yes to what another administrator asks for."""
        return await self._asked("POST", f"/{_id(approval_id)}/approve", _decision(comment))

    async def reject(self, approval_id: UUID | str, comment: str = "") -> Approval:
        """Say no."""
        return await self._asked("POST", f"/{_id(approval_id)}/reject", _decision(comment))

    async def withdraw(self, approval_id: UUID | str) -> Approval:
        """Take back what you asked for."""
        return await self._asked("POST", f"/{_id(approval_id)}/withdraw")

    async def one(self, approval_id: UUID | str) -> Approval:
        """The approval as it is now."""
        return await self._asked("GET", f"/{_id(approval_id)}")

    async def all(self, state: ApprovalState | None = None, limit: int | None = None) -> AsyncIterator[Approval]:
        """Approvals, newest first, page by page as they are asked for."""
        left, cursor = limit, ""
        while left is None or left > 0:
            size = MAX_LIMIT if left is None else min(MAX_LIMIT, left)
            query = {"limit": str(size), "cursor": cursor, "state": state.value if state else ""}
            request = Request("GET", self._at(""), query=[pair for pair in query.items() if pair[1]])
            page = (await self.connection.ask(request)).as_a(Page[Approval])
            for approval in page.items:
                yield approval
            if page.next_cursor is None:
                return
            left, cursor = left and left - len(page.items), page.next_cursor

    async def _asked(
        self, method: str, path: str, document: bytes | None = None, key: Mapping[str, str] = MappingProxyType({})
    ) -> Approval:
        headers = {**({} if document is None else _JSON), **key}
        repeatable = method == "GET" or bool(key)
        request = Request(method, self._at(path), headers=headers, document=document, repeatable=repeatable)
        return (await self.connection.ask(request)).as_a(Approval)

    def _at(self, path: str) -> str:
        return f"{self.connection.admin}/approvals{path}"


def shown(approval: UUID | str | None) -> dict[str, str]:
    """The headers of a deed that was approved."""
    return {} if approval is None else {APPROVAL_HEADER: str(_id(approval))}


def _id(approval_id: UUID | str) -> UUID:
    return parse_file_id(str(approval_id))


def _decision(comment: str) -> bytes:
    return ApprovalDecision(comment=comment).model_dump_json().encode()
