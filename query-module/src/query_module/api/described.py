"""The byte routes as OpenAPI operations."""

from typing import Any

_FILE_ID = {"name": "file_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_PROBLEM = {
    "description": "What went wrong, and what to do about it.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_CONDITIONS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}


SHOW: dict[str, Any] = {
    "summary": "The attributes of a file",
    "description": "From the index; a file that is not there yet is asked for at the elements. ETag is the revision.",
    "operationId": "read_attributes",
    "tags": ["files"],
    "parameters": [_FILE_ID],
    "responses": {
        "200": {
            "description": "What is known of the file",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/FileAttributes"}}},
        },
        "default": _PROBLEM,
    },
}
GET: dict[str, Any] = {
    "summary": "Read a file's content",
    "description": "Streamed from the element that has it. ETag and Repr-Digest are the sha256 of the whole content.",
    "operationId": "read_content",
    "tags": ["content"],
    "parameters": [_FILE_ID, *map(_header, ("Range", "If-Range", *_CONDITIONS))],
    "responses": {
        "200": {"description": "The whole content", "content": _BYTES},
        "206": {"description": "A range of it", "content": _BYTES},
        "304": {"description": "Not modified"},
        "default": _PROBLEM,
    },
}
HEAD: dict[str, Any] = {
    **GET,
    "summary": "The headers of a file's content",
    "operationId": "head_content",
    "parameters": [_FILE_ID, *map(_header, _CONDITIONS)],
    "responses": {
        "200": {"description": "As GET would answer, without the content"},
        "304": {"description": "Not modified"},
        "default": _PROBLEM,
    },
}
