"""Legal holds: placed on documents, and released."""

from urllib.parse import quote
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from artstore.approvals import shown
from artstore.connection import Connection, Request
from artstore_kit.contracts.errors import InvalidFields
from artstore_kit.contracts.files import FileAttributes, HoldId, HoldPlacement

_HOLD_ID: TypeAdapter[str] = TypeAdapter(HoldId)


async def place(connection: Connection, file_id: UUID, hold_id: str, reason: str) -> FileAttributes:
    """The document under the hold."""
    try:
        document = HoldPlacement(reason=reason).model_dump_json().encode()
    except ValidationError as error:
        raise InvalidFields(f"The reason of the hold: {error.errors()[0]['msg']}.") from None
    headers = {"Content-Type": "application/json"}
    request = Request("PUT", _address(connection, file_id, hold_id), headers=headers, document=document)
    return (await connection.ask(request)).as_a(FileAttributes)


async def release(connection: Connection, file_id: UUID, hold_id: str, approval: UUID | str | None) -> None:
    """The document without it."""
    await connection.ask(Request("DELETE", _address(connection, file_id, hold_id), headers=shown(approval)))


def _address(connection: Connection, file_id: UUID, hold_id: str) -> str:
    """The name ends an address: one like `..` would lead elsewhere."""
    try:
        name = quote(_HOLD_ID.validate_python(hold_id), safe="")
    except ValidationError as error:
        raise InvalidFields(f"The name of the hold: {error.errors()[0]['msg']}.") from None
    return f"{connection.ingester}/files/{file_id}/holds/{name}"
