"""The byte path: files handed in."""

from artstore_kit.contracts.idempotency import REPLAYED_HEADER
from artstore_kit.contracts.identity import Action, Scope
from artstore_kit.exchange import ByteRoute, Exchange
from artstore_kit.rights import Rights
from ingester_module.api import operations
from ingester_module.api.intake import new_file
from ingester_module.factory import Services

PATH = "/api/v1/files"


async def upload(exchange: Exchange[Services]) -> None:
    """Store a new file."""
    who = await exchange.authenticate()
    receipt = await exchange.services.uploads.store(await new_file(exchange), who)
    headers = [("location", f"{exchange.services.query_url}{PATH}/{receipt.file_id}")]
    if receipt.replayed:
        headers.append((REPLAYED_HEADER.lower(), "true"))
    await exchange.answer_json(201, receipt.document, headers)


BYTE_ROUTES: list[ByteRoute[Services]] = [
    ByteRoute(["POST"], PATH, upload, operations.UPLOAD, Rights((Scope.FILES_WRITE,), Action.WRITE))
]
