"""The byte path: content in and out."""

from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from artstore_kit.contracts import batches
from artstore_kit.contracts.errors import BadRequest, DigestMismatch, FieldProblem, InvalidAttributes
from artstore_kit.contracts.files import (
    ATTRIBUTES_HEADER,
    COLLECTION_HEADER,
    AttributeChanges,
    FileAttributes,
    UploadAttributes,
    collection_field,
)
from artstore_kit.contracts.identity import Action, Scope
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.digests import CONTENT_DIGEST_HEADER, REPR_DIGEST_HEADER, format_sha256, parse_sha256
from artstore_kit.exchange import ByteRoute, Exchange
from artstore_kit.receivers import while_received
from artstore_kit.rights import Rights
from storage_element.api import described
from storage_element.api.conditions import ConditionHeaders, Span, is_unmodified, last_modified, wanted
from storage_element.domain.asker import Asker
from storage_element.domain.origin import Origin
from storage_element.domain.rules import content_tag, revision_tag
from storage_element.factory.services import Services
from storage_element.services.receive import Announced
from storage_element.services.write import Replacement, Upload

READING = Rights((Scope.FILES_READ,), Action.READ)
WRITING = Rights((Scope.FILES_WRITE,), Action.WRITE)


async def put(exchange: Exchange[Services]) -> None:
    """Store a new file."""
    who = await exchange.authenticate()
    attributes = _attributes(exchange.raw_header(ATTRIBUTES_HEADER))
    who.require_grant(Action.WRITE, attributes.collection)
    upload = Upload(
        parse_file_id(exchange.params["file_id"]),
        attributes,
        who.on_whose_behalf,
        Origin.of(who),
        announced(exchange),
    )
    file, created = await exchange.services.writer.create(upload, exchange.body())
    await exchange.answer_json(201 if created else 200, file.to_json(), [("etag", revision_tag(file))])


async def replace(exchange: Exchange[Services]) -> None:
    """Give a file new content."""
    who = await exchange.authenticate()
    file_id = parse_file_id(exchange.params["file_id"])
    changes = _read(AttributeChanges, exchange.raw_header(ATTRIBUTES_HEADER) or b"{}")
    asker = Asker.of(who, Action.WRITE)
    asker.allowed((await exchange.services.reader.attributes(file_id)).collection)
    if changes.collection is not None:
        asker.allowed(changes.collection)
    if_match = exchange.header("if-match")
    replacement = Replacement(file_id, changes, asker, announced(exchange), if_match)
    file = await exchange.services.writer.replace(replacement, exchange.body())
    await exchange.answer_json(200, file.to_json(), [("etag", revision_tag(file))])


async def put_many(exchange: Exchange[Services]) -> None:
    """Store several small files, which the ingester sends together: it may name whom it acts for."""
    who = await exchange.authenticate()
    create = exchange.services.many_writer.create  # a follower refuses before the body is read
    outcomes = await create(batches.requested(await exchange.whole(batches.MOST_BYTES)), who)
    await exchange.answer(200, [("content-type", batches.MEDIA_TYPE)], batches.answer(outcomes))


async def get(exchange: Exchange[Services]) -> None:
    """Send a file's content, or a range of it."""
    who = await exchange.authenticate()
    file = await exchange.services.reader.attributes(parse_file_id(exchange.params["file_id"]))
    who.require_grant(Action.READ, file.collection)
    conditions = _conditions(exchange)
    if is_unmodified(conditions, file):
        await exchange.answer(304, [("etag", content_tag(file)), _collection(file)])
        return
    span = wanted(conditions, file)
    if exchange.method == "HEAD":
        await exchange.start(200, _headers(file, None))
        await exchange.write(b"", more=False)
        return
    await _send(exchange, file, span)


async def _send(exchange: Exchange[Services], file: FileAttributes, span: Span | None) -> None:
    start, length = (span.start, span.length) if span else (0, file.content.size)
    async with exchange.services.reader.content(file) as content, while_received(exchange, length):
        await exchange.start(206 if span else 200, _headers(file, span))
        async for chunk in content.chunks(start, length):
            length -= len(chunk)
            await exchange.write(chunk, more=length > 0)
    if file.content.size == 0:
        await exchange.write(b"", more=False)


def _headers(file: FileAttributes, span: Span | None) -> list[tuple[str, str]]:
    content = file.content
    headers = [
        ("content-type", content.media_type),
        ("content-length", str(span.length if span else content.size)),
        ("content-disposition", f"attachment; filename*=UTF-8''{quote(content.name, safe='')}"),
        ("etag", content_tag(file)),
        ("last-modified", last_modified(file)),
        ("accept-ranges", "bytes"),
        ("repr-digest", format_sha256(bytes.fromhex(content.sha256))),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "private, no-cache"),
        _collection(file),
    ]
    if span:
        headers.append(("content-range", f"bytes {span.start}-{span.start + span.length - 1}/{content.size}"))
    return headers


def _collection(file: FileAttributes) -> tuple[str, str]:
    return COLLECTION_HEADER.lower(), collection_field(file.collection)


def _conditions(exchange: Exchange[Services]) -> ConditionHeaders:
    return ConditionHeaders(
        if_match=exchange.header("if-match"),
        if_none_match=exchange.header("if-none-match"),
        if_modified_since=exchange.header("if-modified-since"),
        if_unmodified_since=exchange.header("if-unmodified-since"),
        range=exchange.header("range") if exchange.method == "GET" else None,
        if_range=exchange.header("if-range"),
    )


def announced(exchange: Exchange[Services]) -> Announced:
    """What the sender says of the body. Without a coding it is its own representation: both digests are of it."""
    found = {parse_sha256(exchange.header(name)) for name in (REPR_DIGEST_HEADER, CONTENT_DIGEST_HEADER)} - {None}
    if len(found) > 1:
        raise DigestMismatch(f"{REPR_DIGEST_HEADER} and {CONTENT_DIGEST_HEADER} do not agree.")
    return Announced(exchange.content_length(), found.pop() if found else None)


def _attributes(header: bytes | None) -> UploadAttributes:
    if header is None:
        raise BadRequest(f'Send the attributes of the file: `{ATTRIBUTES_HEADER}: {{"name": "report.pdf"}}`.')
    return _read(UploadAttributes, header)


def _read[M: BaseModel](model: type[M], header: bytes) -> M:
    try:
        return model.model_validate_json(header)
    except ValidationError as error:
        problems = [FieldProblem(field=".".join(map(str, p["loc"])), message=p["msg"]) for p in error.errors()]
        raise InvalidAttributes(f"{problems[0].field}: {problems[0].message}", errors=problems) from None


BYTE_ROUTES: list[ByteRoute[Services]] = [
    ByteRoute(["PUT"], "/api/v1/files/{file_id}", put, described.PUT, WRITING),
    ByteRoute(["PUT"], "/api/v1/files", put_many, described.PUT_MANY, Rights((Scope.FILES_WRITE, Scope.FLEET_ACT_FOR))),
    ByteRoute(["PUT"], "/api/v1/files/{file_id}/content", replace, described.REPLACE, WRITING),
    ByteRoute(["GET"], "/api/v1/files/{file_id}/content", get, described.GET, READING),
    ByteRoute(["HEAD"], "/api/v1/files/{file_id}/content", get, described.HEAD, READING),
]
