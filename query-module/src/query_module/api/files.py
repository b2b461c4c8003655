"""The byte path: attributes by id."""

from artstore_kit.contracts.identity import Action, Scope
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.exchange import ByteRoute, Exchange
from artstore_kit.request_context import acting_for
from artstore_kit.rights import Rights
from query_module.api import described
from query_module.factory import Services


async def show(exchange: Exchange[Services]) -> None:
    """The attributes of one file; their ETag is the revision."""
    who = await exchange.authenticate()
    acting_for.set(who.on_whose_behalf)
    known = await exchange.services.locator.describe(parse_file_id(exchange.params["file_id"]), who)
    await exchange.answer_json(200, known.attributes.encode(), [("etag", f'"r{known.revision}"')])


BYTE_ROUTES: list[ByteRoute[Services]] = [
    ByteRoute(["GET"], "/api/v1/files/{file_id}", show, described.SHOW, Rights((Scope.FILES_READ,), Action.READ))
]
