"""A document to the fleet: described, announced with its digest, sent, and compared with what was stored."""

import json
import mimetypes
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from pydantic import JsonValue, ValidationError

from artstore import sources
from artstore.answers import Answer
from artstore.connection import Connection, Request
from artstore.digest import REPR_DIGEST_HEADER, announcement
from artstore.sending import Progress, Sending
from artstore.sources import Source
from artstore_kit.contracts.errors import (
    DigestMismatch,
    FieldProblem,
    IdempotencyUnavailable,
    InvalidAttributes,
)
from artstore_kit.contracts.files import (
    ATTRIBUTES_HEADER,
    FileAttributes,
    Retention,
    RetentionKind,
    UploadAttributes,
)
from artstore_kit.contracts.idempotency import IDEMPOTENCY_KEY_HEADER

UNKNOWN_MEDIA_TYPE = "application/octet-stream"
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}

Uploadable = Path | str | bytes | AsyncIterator[bytes]


def describe(
    *,
    name: str,
    media_type: str,
    collection: str,
    retention: str | Retention,
    description: str,
    tags: list[str],
    metadata: dict[str, JsonValue],
) -> UploadAttributes:
    """The attributes as the fleet takes them; `InvalidAttributes` for what it would refuse."""
    try:
        return UploadAttributes(
            name=name,
            media_type=media_type or guessed_media_type(name),
            collection=collection,
            retention=retention if isinstance(retention, Retention) else policy(retention),
            description=description,
            tags=tags,
            metadata=metadata,
        )
    except ValidationError as error:
        problems = [
            FieldProblem(field=".".join(map(str, p["loc"])), message=p["msg"].removeprefix("Value error, "))
            for p in error.errors()
        ]
        raise InvalidAttributes(f"{problems[0].field}: {problems[0].message}", errors=problems) from None


def policy(name: str) -> Retention:
    """The retention policy of this name; only "permanent" is permanent."""
    kind = RetentionKind.PERMANENT if name == RetentionKind.PERMANENT.value else RetentionKind.TEMPORARY
    return Retention(policy=name, kind=kind)


def name_of(source: Uploadable) -> str:
    """A path's last part; nothing else has a name of its own."""
    return Path(source).name if isinstance(source, Path | str) else ""


def guessed_media_type(name: str) -> str:
    """By the ending. A compressed file is what it is, not what is inside."""
    media_type, encoding = mimetypes.guess_type(name)
    return _COMPRESSED.get(encoding, UNKNOWN_MEDIA_TYPE) if encoding else media_type or UNKNOWN_MEDIA_TYPE


async def send(
    connection: Connection,
    given: Uploadable,
    attributes: UploadAttributes,
    on_progress: Progress | None,
    idempotency_key: str,
) -> FileAttributes:
    """Hand the document in; its attributes as stored."""
    source = await _source(given)
    sending = Sending(source, on_progress)
    headers = _headers(source, attributes, idempotency_key or uuid4().hex)
    request = Request("POST", f"{connection.ingester}/files", headers=headers, sending=sending)
    stored = (await _hand_in(connection, request, sending, own_key=not idempotency_key)).as_a(FileAttributes)
    if stored.content.sha256 != sending.sha256:
        raise DigestMismatch(f"{stored.file_id} was stored with another sha-256 than was sent; delete it, try again.")
    return stored


async def _hand_in(connection: Connection, request: Request, sending: Sending, *, own_key: bool) -> Answer:
    """With the key; without it, and then once only, when the fleet cannot remember keys now.

    That is safe as long as this was the first attempt: it was refused before anything was stored.
    """
    try:
        return await connection.ask(request)
    except IdempotencyUnavailable:
        if not own_key or sending.times > 1 or not sending.repeatable:
            raise
    headers = {name: value for name, value in request.headers.items() if name != IDEMPOTENCY_KEY_HEADER}
    return await connection.ask_once(replace(request, headers=headers))


async def _source(given: Uploadable) -> Source:
    if isinstance(given, bytes):
        return sources.from_bytes(given)
    if isinstance(given, Path | str):
        return await sources.from_path(Path(given))
    return sources.from_stream(given)


def _headers(source: Source, attributes: UploadAttributes, idempotency_key: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/octet-stream",
        IDEMPOTENCY_KEY_HEADER: idempotency_key,
        ATTRIBUTES_HEADER: json.dumps(attributes.model_dump(mode="json", exclude_none=True), separators=(",", ":")),
    }
    if source.size is not None:
        headers["Content-Length"] = str(source.size)
    if source.sha256 is not None:
        headers[REPR_DIGEST_HEADER] = announcement(source.sha256)
    return headers
