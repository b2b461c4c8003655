"""The byte routes as OpenAPI operations."""

from typing import Any

from artstore_kit.contracts.batches import MEDIA_TYPE
from artstore_kit.contracts.files import ATTRIBUTES_HEADER, COLLECTION_HEADER

_FILE_ID = {"name": "file_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_PROBLEM = {
    "description": "What went wrong, and what to do about it.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_FILE = {"application/json": {"schema": {"$ref": "#/components/schemas/FileAttributes"}}}
_COLLECTION = {
    COLLECTION_HEADER: {
        "description": "The collection that the file is in, percent-encoded (UTF-8). The query module asks for the "
        "reader's grant on it before it passes a byte on.",
        "schema": {"type": "string"},
    }
}
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def _header(name: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "schema": {"type": "string"}}


PUT: dict[str, Any] = {
    "summary": "Store a new file",
    "description": "The raw body is the content. Repeating a create with the same id and content is safe.",
    "operationId": "create_file",
    "tags": ["content"],
    "parameters": [_FILE_ID, _header(ATTRIBUTES_HEADER, required=True), _header("Repr-Digest")],
    "requestBody": {"required": True, "content": _BYTES},
    "responses": {
        "201": {"description": "Stored, durably", "content": _FILE},
        "200": {"description": "The same file was there already", "content": _FILE},
        "default": _PROBLEM,
    },
}
REPLACE: dict[str, Any] = {
    "summary": "Replace a file's content",
    "description": 'The raw body is the next version of the content. `If-Match` names the revision (`"r3"`) or the '
    "content (its ETag) that is replaced. Attributes that change with it may be named. A file that is moved "
    "while its content comes needs a grant on where it is then: 403 `grant_missing`.",
    "operationId": "replace_content",
    "tags": ["content"],
    "parameters": [_FILE_ID, _header(ATTRIBUTES_HEADER), _header("Repr-Digest"), _header("If-Match")],
    "requestBody": {"required": True, "content": _BYTES},
    "responses": {"200": {"description": "Replaced, durably", "content": _FILE}, "default": _PROBLEM},
}
APPEND: dict[str, Any] = {
    "summary": "Send the next part of an upload",
    "description": "The raw body is what follows the first `Upload-Offset` bytes; it is on stable storage when it is "
    "answered. What came of a part that breaks off counts, unless a `Content-Digest` was sent with it.",
    "operationId": "append_to_upload",
    "tags": ["uploads"],
    "parameters": [
        {"name": "upload_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
        _header("Upload-Offset", required=True),
        _header("Content-Digest"),
    ],
    "requestBody": {"required": True, "content": _BYTES},
    "responses": {"204": {"description": "Taken; `Upload-Offset` says how much there is now"}, "default": _PROBLEM},
}
PUT_MANY: dict[str, Any] = {
    "summary": "Store several small files",
    "description": "For services that may name whom they act for. The format of both bodies is that of the kit's "
    "`contracts/batches.py`; each file has an outcome of its own.",
    "operationId": "create_files",
    "tags": ["content"],
    "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
    "responses": {
        "200": {
            "description": "The outcome of each file, in order",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        "default": _PROBLEM,
    },
}
GET: dict[str, Any] = {
    "summary": "Read a file's content",
    "operationId": "read_content",
    "tags": ["content"],
    "parameters": [
        _FILE_ID,
        *map(_header, ("Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")),
    ],
    "responses": {
        "200": {"description": "The whole content", "headers": _COLLECTION, "content": _BYTES},
        "206": {"description": "A range of it", "headers": _COLLECTION, "content": _BYTES},
        "304": {"description": "Not modified", "headers": _COLLECTION},
        "default": _PROBLEM,
    },
}
HEAD: dict[str, Any] = {
    **GET,
    "summary": "The headers of a file's content",
    "operationId": "head_content",
    "responses": {
        "200": {"description": "As GET would answer, without the content", "headers": _COLLECTION},
        "default": _PROBLEM,
    },
}
