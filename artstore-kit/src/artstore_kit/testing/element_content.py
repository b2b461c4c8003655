"""Reading content from the storage element's stand-in: ranges, ETags, and connections that are cut."""

import asyncio
import re
from datetime import UTC
from email.utils import format_datetime
from urllib.parse import quote
from uuid import UUID

from aiohttp import web

from artstore_kit.contracts.errors import FileUnknown, RangeNotSatisfiable
from artstore_kit.contracts.files import COLLECTION_HEADER, collection_field
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.contracts.modes import Operation, require
from artstore_kit.digests import REPR_DIGEST_HEADER, format_sha256
from artstore_kit.testing.element_state import ElementState, Stored

ELEMENT = web.AppKey("element", ElementState)
PIECE_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


async def send_content(request: web.Request) -> web.StreamResponse:
    """Answer `GET|HEAD /files/{id}/content`."""
    require(request.app[ELEMENT].mode, Operation.READ_CONTENT)
    stored = stored_of(request)
    content = stored.attributes.content
    headers = {
        "ETag": f'"{content.sha256}"',
        "Last-Modified": format_datetime(stored.attributes.uploaded_at.astimezone(UTC), usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(content.name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Content-Type": content.media_type,
        REPR_DIGEST_HEADER: format_sha256(bytes.fromhex(content.sha256)),
        COLLECTION_HEADER: collection_field(stored.attributes.collection),
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or request.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
        return await _send(request, stored.content, headers)
    first, last = _span(asked[1], asked[2], content.size)
    headers["Content-Range"] = f"bytes {first}-{last}/{content.size}"
    return await _send(request, stored.content[first : last + 1], headers)


async def _send(request: web.Request, part: bytes, headers: dict[str, str]) -> web.StreamResponse:
    element = request.app[ELEMENT]
    cut_after = element.faults.meet(request.method).cut_after_bytes
    answer = web.StreamResponse(status=206 if "Content-Range" in headers else 200, headers=headers)
    answer.content_length = len(part)
    element.sending += 1
    try:
        await answer.prepare(request)
        if request.method != "HEAD":
            await _write(answer, part[:cut_after])
        if cut_after is not None and cut_after < len(part):
            await asyncio.sleep(0.01)
            cut(request)
        await answer.write_eof()
    finally:
        element.sending -= 1
    return answer


async def _write(answer: web.StreamResponse, part: bytes) -> None:
    """No faster than it is taken."""
    for start in range(0, len(part), PIECE_BYTES):
        await answer.write(part[start : start + PIECE_BYTES])


def file_id_of(request: web.Request) -> UUID:
    """The id in the request's path."""
    return parse_file_id(request.match_info["file_id"])


def stored_of(request: web.Request) -> Stored:
    """The file that the request's path names."""
    stored = request.app[ELEMENT].files.get(file_id_of(request))
    if stored is None:
        raise FileUnknown
    return stored


def cut(request: web.Request) -> None:
    """End the connection without an answer, as a dying process does."""
    if request.transport:
        request.transport.abort()
    raise ConnectionAbortedError


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte of a single range (RFC 9110 section 14.1.2)."""
    if not first and last.strip("0"):
        return max(0, size - int(last)), size - 1
    if not first or int(first) >= size:
        raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return int(first), min(int(last or size - 1), size - 1)
