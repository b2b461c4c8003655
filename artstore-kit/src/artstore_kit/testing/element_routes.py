"""The HTTP side of the storage element's stand-in."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from aiohttp import web
from pydantic import ValidationError

from artstore_kit.contracts import batches, errors
from artstore_kit.contracts.files import (
    ATTRIBUTES_HEADER,
    ATTRIBUTES_LIMIT_BYTES,
    AttributeChanges,
    Content,
    ElementStamp,
    FileAttributes,
    UploadAttributes,
)
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, ACTING_FROM_HEADER
from artstore_kit.contracts.modes import Operation, require
from artstore_kit.contracts.paging import DEFAULT_LIMIT, Page, decode_cursor, encode_cursor
from artstore_kit.digests import CONTENT_DIGEST_HEADER, REPR_DIGEST_HEADER, parse_sha256
from artstore_kit.testing.element_content import ELEMENT, cut, file_id_of, send_content, stored_of
from artstore_kit.testing.element_holds import as_json, check_revision, must_be_free, place_hold, release_hold
from artstore_kit.testing.element_state import ElementState, Seen

_FILES = "/api/v1/files"


def application(element: ElementState) -> web.Application:
    """The routes of a storage element."""
    app = web.Application(middlewares=[_answer_errors, _meet_faults], client_max_size=0)
    app[ELEMENT] = element
    app.router.add_put(_FILES + "/{file_id}", _put, expect_handler=_body_is_asked_for_later)
    app.router.add_put(_FILES, _put_many)
    app.router.add_get(_FILES + "/{file_id}", _attributes)
    app.router.add_patch(_FILES + "/{file_id}", _patch)
    app.router.add_delete(_FILES + "/{file_id}", _delete)
    app.router.add_get(_FILES + "/{file_id}/content", send_content)
    app.router.add_put(_FILES + "/{file_id}/holds/{hold_id}", place_hold)
    app.router.add_delete(_FILES + "/{file_id}/holds/{hold_id}", release_hold)
    app.router.add_get(_FILES, _list)
    app.router.add_get("/api/v1/changes", _changes)
    app.router.add_get("/api/v1/element", _report)
    return app


type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    element = request.app[ELEMENT]
    element.seen.append(Seen(request.method, request.path, dict(request.headers)))
    try:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            raise errors.NotAuthenticated
        return await handler(request)
    except errors.ArtStoreError as error:
        body = error.problem(request.headers.get("X-Request-ID", "")).model_dump_json(exclude_defaults=True)
        return web.Response(
            status=error.status, body=body, headers=error.headers, content_type="application/problem+json"
        )


@web.middleware
async def _meet_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.path.startswith(_FILES):
        return await handler(request)
    faults = request.app[ELEMENT].faults.meet(request.method)
    if faults.refuse:
        raise faults.refuse
    answer = await handler(request)
    await asyncio.sleep(faults.answer_after_s)
    if faults.cut_before_answer:
        cut(request)
    return web.Response(status=answer.status, body=b"<html>") if faults.gibberish else answer


async def _put(request: web.Request) -> web.StreamResponse:
    element, file_id = request.app[ELEMENT], file_id_of(request)
    require(element.mode, Operation.CREATE)
    given = _upload_attributes(request)
    announced = parse_sha256(request.headers.get(REPR_DIGEST_HEADER) or request.headers.get(CONTENT_DIGEST_HEADER))
    if file_id in element.uploads:
        raise errors.UploadInProgress
    element.uploads.add(file_id)
    try:
        content = await _body(request)
        if announced not in {None, hashlib.sha256(content).digest()}:
            raise errors.DigestMismatch
        by = request.headers.get(ACTING_FOR_HEADER, "somebody")
        element.came_from[file_id] = request.headers.get(ACTING_FROM_HEADER, "")
        stored, status = await _commit(element, file_id, given, content, by)
        return as_json(stored, status=status)
    finally:
        element.uploads.discard(file_id)


async def _put_many(request: web.Request) -> web.Response:
    element = request.app[ELEMENT]
    files = batches.requested(await request.read())
    ours = {file.file_id for file, _ in files} - element.uploads
    element.uploads |= ours
    element.came_from |= {file.file_id: file.address for file, _ in files}
    try:
        if element.faults.meet("PUT").cut_after_bytes is not None:
            cut(request)
        outcomes = [await _outcome(element, file, content, busy=file.file_id not in ours) for file, content in files]
    finally:
        for file_id in ours:
            element.uploads.discard(file_id)
    return web.Response(body=batches.answer(outcomes), content_type=batches.MEDIA_TYPE)


async def _outcome(
    element: ElementState, file: batches.BatchedFile, content: bytes, *, busy: bool
) -> tuple[int, bytes]:
    try:
        require(element.mode, Operation.CREATE)
        if busy:
            raise errors.UploadInProgress
        if file.sha256 != hashlib.sha256(content).hexdigest():
            raise errors.DigestMismatch
        stored, status = await _commit(element, file.file_id, file.attributes, content, file.acting_for)
    except errors.ArtStoreError as error:
        return error.status, error.problem("").model_dump_json(exclude_defaults=True).encode()
    return status, stored.to_json()


async def _commit(
    element: ElementState, file_id: UUID, given: UploadAttributes, content: bytes, by: str
) -> tuple[FileAttributes, int]:
    if element.faults.meet("PUT").wrong_digest:
        content += b"!"
    known = element.files.get(file_id)
    if known and known.content != content:
        raise errors.FileExists
    if known:
        return known.attributes, 200
    attributes = _stamped(element, file_id, given, content, by)
    if len(attributes.to_json()) > ATTRIBUTES_LIMIT_BYTES:
        raise errors.AttributesTooLarge
    return await element.store(attributes, content), 201


def _stamped(element: ElementState, file_id: UUID, given: UploadAttributes, content: bytes, by: str) -> FileAttributes:
    sha256 = hashlib.sha256(content).hexdigest()
    return FileAttributes(
        schema=1,
        file_id=file_id,
        content=Content(
            name=given.name,
            media_type=given.media_type,
            size=len(content),
            sha256=sha256,
            stored_size=len(content),
            stored_sha256=sha256,
        ),
        uploaded_by=by,
        uploaded_at=datetime.now(UTC),
        element=ElementStamp(id=element.element_id, epoch=1, lsn=0),
        **{name: getattr(given, name) for name in UploadAttributes.model_fields if name not in {"name", "media_type"}},
    )


async def _attributes(request: web.Request) -> web.Response:
    return as_json(stored_of(request).attributes)


async def _patch(request: web.Request) -> web.Response:
    element, stored = request.app[ELEMENT], stored_of(request)
    require(element.mode, Operation.CHANGE_ATTRIBUTES)
    check_revision(request, stored)
    must_be_free(stored)
    try:
        given = AttributeChanges.model_validate_json(await request.read())
    except ValidationError as error:
        raise errors.InvalidFields(str(error)) from None
    changes: dict[str, object] = {name: value for name, value in given if value is not None}
    of_content: dict[str, object] = {}
    for name in {"name", "media_type"} & changes.keys():
        of_content[name] = changes.pop(name)
    content = stored.attributes.content.model_copy(update=of_content)
    changes |= {"content": content, "revision": stored.attributes.revision + 1}
    return as_json(await element.store(stored.attributes.model_copy(update=changes), stored.content))


async def _delete(request: web.Request) -> web.Response:
    element, stored = request.app[ELEMENT], stored_of(request)
    require(element.mode, Operation.DELETE)
    check_revision(request, stored)
    must_be_free(stored)
    await element.remove(stored.attributes.file_id)
    return web.Response(status=204)


async def _list(request: web.Request) -> web.Response:
    element, limit = request.app[ELEMENT], int(request.query.get("limit", DEFAULT_LIMIT))
    after = decode_cursor(request.query["cursor"], 1)[0] if "cursor" in request.query else ""
    ids = sorted(str(file_id) for file_id in element.files if str(file_id) > str(after))
    items = [element.files[UUID(file_id)].attributes for file_id in ids[:limit]]
    more = encode_cursor(ids[limit - 1]) if len(ids) > limit else None
    return as_json(Page[FileAttributes](items=items, next_cursor=more))


async def _changes(request: web.Request) -> web.Response:
    after, limit, wait_s = (request.query.get(name, "0") for name in ("after", "limit", "wait_s"))
    return as_json(await request.app[ELEMENT].changes(int(after), int(limit) or 1000, float(wait_s)))


async def _report(request: web.Request) -> web.Response:
    return as_json(request.app[ELEMENT].report())


async def _body_is_asked_for_later(_: web.Request) -> None:
    """A refusal comes instead of `100 Continue`, as from uvicorn."""


async def _body(request: web.Request) -> bytes:
    """The whole body; raises, and so stores nothing, when the sender goes away."""
    cut_after = request.app[ELEMENT].faults.meet("PUT").cut_after_bytes
    received = bytearray()
    if "Expect" in request.headers and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    async for chunk in request.content.iter_any():
        received += chunk
        if cut_after is not None and len(received) >= cut_after:
            cut(request)
    return bytes(received)


def _upload_attributes(request: web.Request) -> UploadAttributes:
    try:
        return UploadAttributes.model_validate_json(request.headers.get(ATTRIBUTES_HEADER, ""))
    except ValidationError as error:
        raise errors.InvalidAttributes(str(error)) from None
