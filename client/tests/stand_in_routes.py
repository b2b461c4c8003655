"""The HTTP side of the fleet's stand-in: one server for what three services answer."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import uuid4

from aiohttp import web

from artstore_kit.contracts import errors
from artstore_kit.contracts.approvals import APPROVAL_HEADER, GuardedOperation, file_resource
from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.contracts.files import (
    ATTRIBUTES_HEADER,
    AttributeChanges,
    Content,
    ElementStamp,
    FileAttributes,
    SearchHit,
    UploadAttributes,
)
from artstore_kit.contracts.identity import FleetAddresses
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.paging import Page
from artstore_kit.digests import format_sha256, parse_sha256
from client.tests import stand_in_four_eyes, stand_in_logins
from client.tests.stand_in import CLIENT_ID, Fault, Fleet, Seen
from client.tests.stand_in_four_eyes import require_approval
from client.tests.stand_in_places import FLEET, file_of, json_of

FAULT = web.RequestKey("fault", Fault)
type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(fleet: Fleet) -> web.Application:
    """All routes of the contract that clients use."""
    app = web.Application(middlewares=[_framed], client_max_size=1 << 30)
    app[FLEET] = fleet
    app.router.add_get("/.well-known/artstore", _addresses)
    stand_in_logins.add_to(app)
    stand_in_four_eyes.add_to(app)
    app.router.add_post("/api/v1/files", _create)
    app.router.add_get("/api/v1/search", _search)
    app.router.add_get("/api/v1/files/{file_id}", _show)
    app.router.add_patch("/api/v1/files/{file_id}", _change)
    app.router.add_delete("/api/v1/files/{file_id}", _remove)
    app.router.add_get("/api/v1/files/{file_id}/content", _content)
    return app


@web.middleware
async def _framed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Faults, tokens and problem documents around every handler."""
    fleet = request.app[FLEET]
    fleet.seen.append(Seen(request.method, request.path, dict(request.headers), list(request.query.items())))
    fault = fleet.meets(request)
    request[FAULT] = fault
    if fault.status:
        return web.Response(status=fault.status, headers=fault.headers, body=fault.body)
    if fault.cut_after_bytes is None:
        await asyncio.sleep(fault.wait_s)
    try:
        if request.path.startswith(("/api/v1/files", "/api/v1/search", "/api/v1/approvals")):
            _check_token(request)
        answer = await handler(request)
    except ArtStoreError as error:
        return _problem(error)
    if fault.lose_answer:
        cut(request)
    return answer


def _problem(error: ArtStoreError) -> web.Response:
    body = error.problem("req-1").model_dump_json(exclude_defaults=True)
    return web.Response(status=error.status, text=body, content_type="application/problem+json", headers=error.headers)


def _check_token(request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or token not in request.app[FLEET].tokens:
        raise errors.NotAuthenticated


async def _addresses(request: web.Request) -> web.Response:
    url = request.app[FLEET].url
    return json_of(FleetAddresses(admin_url=url, ingester_url=url, query_url=url).model_dump_json())


async def _create(request: web.Request) -> web.Response:
    fleet, key = request.app[FLEET], request.headers.get("Idempotency-Key", uuid4().hex)
    content = await _received(request)
    if key not in fleet.answers:
        stored = _stored(UploadAttributes.model_validate_json(request.headers[ATTRIBUTES_HEADER]), content)
        fleet.files[stored.file_id], fleet.contents[stored.file_id] = stored, content
        fleet.answers[key] = stored
    return json_of(fleet.answers[key].to_json().decode(), status=201)


async def _received(request: web.Request) -> bytes:
    fleet, fault = request.app[FLEET], request[FAULT]
    announced = parse_sha256(request.headers.get("Repr-Digest"))
    content = bytearray()
    async for chunk in request.content.iter_any():
        content += chunk
        fleet.receiving.set()
    if fault.alter:
        content[0] ^= 1
    if announced is not None and hashlib.sha256(content).digest() != announced:
        raise errors.DigestMismatch
    return bytes(content)


def _stored(given: UploadAttributes, content: bytes) -> FileAttributes:
    sha256 = hashlib.sha256(content).hexdigest()
    return FileAttributes(
        schema=1,
        file_id=new_file_id(),
        content=Content(
            name=given.name,
            media_type=given.media_type,
            size=len(content),
            sha256=sha256,
            stored_size=len(content),
            stored_sha256=sha256,
        ),
        uploaded_by=CLIENT_ID,
        uploaded_at=datetime.now(UTC),
        element=ElementStamp(id="edit-1", epoch=1, lsn=1),
        **given.model_dump(include={"collection", "retention", "description", "tags", "metadata"}),
    )


async def _search(request: web.Request) -> web.Response:
    """A file matches when its name holds the question; a page starts where the cursor says."""
    query = request.query
    found = [file for file in request.app[FLEET].files.values() if query.get("q", "") in file.content.name]
    found = [file for file in found if query.get("collection", file.collection) == file.collection]
    start, limit = int(query.get("cursor", "0")), int(query["limit"])
    hits = [SearchHit(file=file, score=1.0) for file in found[start : start + limit]]
    following = str(start + limit) if len(found) > start + limit else None
    return json_of(Page[SearchHit](items=hits, next_cursor=following).model_dump_json(by_alias=True))


async def _show(request: web.Request) -> web.Response:
    return json_of(file_of(request).to_json().decode())


async def _change(request: web.Request) -> web.Response:
    file = file_of(request)
    if request.headers.get("If-Match", f'"r{file.revision}"') != f'"r{file.revision}"':
        raise errors.RevisionMismatch
    changes = AttributeChanges.model_validate(await request.json()).model_dump(exclude_unset=True)
    changed = file.model_copy(update={"revision": file.revision + 1, **changes})
    request.app[FLEET].files[file.file_id] = changed
    return json_of(changed.to_json().decode())


async def _remove(request: web.Request) -> web.Response:
    file = file_of(request)
    if file.retention.retain_until:
        if APPROVAL_HEADER not in request.headers:
            raise errors.FileRetained
        require_approval(request, GuardedOperation.FILE_DESTROY, file_resource(file.file_id))
    del request.app[FLEET].files[file.file_id]
    return web.Response(status=204)


async def _content(request: web.Request) -> web.StreamResponse:
    file = file_of(request)
    content = request.app[FLEET].contents[file.file_id]
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    headers = {"ETag": etag, "Repr-Digest": format_sha256(hashlib.sha256(content).digest())}
    asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    if asked is None or request.headers.get("If-Range", etag) != etag:
        return await _send(request, content, 200, headers)
    start = int(asked[1])
    if start >= len(content):
        raise errors.RangeNotSatisfiable(headers={"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return await _send(request, content[start:], 206, headers)


async def _send(request: web.Request, part: bytes, status: int, headers: dict[str, str]) -> web.StreamResponse:
    fault: Fault = request[FAULT]
    answer = web.StreamResponse(status=status, headers=headers)
    answer.content_length = len(part)
    await answer.prepare(request)
    await answer.write(bytes([part[0] ^ 1]) + part[1:] if fault.alter else part[: fault.cut_after_bytes])
    if fault.cut_after_bytes is not None:
        await asyncio.sleep(fault.wait_s or 0.05)
        cut(request)
    await answer.write_eof()
    return answer


def cut(request: web.Request) -> None:
    """End the connection without an answer, as a dying process does."""
    if request.transport:
        request.transport.abort()
    raise ConnectionAbortedError
