"""The byte path: content, passed on from the element as it comes."""

from artstore_kit.bytestream import ByteAnswer
from artstore_kit.contracts.identity import Action, Scope
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.exchange import ByteRoute, Exchange
from artstore_kit.receivers import while_received
from artstore_kit.request_context import acting_for
from artstore_kit.rights import Rights
from query_module.api import described
from query_module.factory import Services

ASKED = ("Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
ANSWERED = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Content-Disposition",
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Accept-Ranges",
    "Cache-Control",
    "ETag",
    "Last-Modified",
    "Repr-Digest",
)
NOT_MODIFIED = ("Cache-Control", "ETag", "Last-Modified")

READING = Rights((Scope.FILES_READ,), Action.READ)


async def get(exchange: Exchange[Services]) -> None:
    """Send a file's content, or a range of it, or for HEAD only what would be said of it."""
    who = await exchange.authenticate()
    acting_for.set(who.on_whose_behalf)
    asked = {name: value for name in ASKED if (value := exchange.header(name)) is not None}
    file_id = parse_file_id(exchange.params["file_id"])
    async with exchange.services.delivery.open(file_id, who, exchange.method, asked) as answer:
        await _pass_on(exchange, answer)


async def _pass_on(exchange: Exchange[Services], answer: ByteAnswer) -> None:
    wanted = ANSWERED if answer.status != 304 else NOT_MODIFIED
    headers = [(name, value) for name in wanted if (value := answer.headers.get(name)) is not None]
    await exchange.start(answer.status, headers)
    length = answer.headers.get("Content-Length")
    if exchange.method == "HEAD" or answer.status == 304:
        await exchange.write(b"", more=False)
    else:
        size = None if length is None else int(length)
        async with while_received(exchange, size):
            await _copy(exchange, answer, size)


async def _copy(exchange: Exchange[Services], answer: ByteAnswer, length: int | None) -> None:
    """The body's pieces, no faster than they are taken. Of a known length the last is marked: one write saved."""
    sent = 0
    async for chunk in answer.chunks():
        sent += len(chunk)
        await exchange.write(chunk, more=sent != length)
    if sent != length or sent == 0:
        await exchange.write(b"", more=False)


BYTE_ROUTES: list[ByteRoute[Services]] = [
    ByteRoute(["GET"], "/api/v1/files/{file_id}/content", get, described.GET, READING),
    ByteRoute(["HEAD"], "/api/v1/files/{file_id}/content", get, described.HEAD, READING),
]
