"""The byte route as an OpenAPI operation."""

from typing import Any

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.contracts.idempotency import IDEMPOTENCY_KEY_HEADER, REPLAYED_HEADER

_PROBLEM = {
    "description": "What went wrong, and what to do about it.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_FIELDS: dict[str, Any] = {
    "name": {"type": "string"},
    "collection": {"type": "string", "default": "default"},
    "media_type": {"type": "string", "description": "the Content-Type when not given"},
    "retention": {"type": "string", "enum": ["temporary", "permanent"], "default": "temporary"},
    "description": {"type": "string"},
    "tag": {"type": "array", "items": {"type": "string"}},
}


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


def _query(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": _FIELDS[name]}


UPLOAD: dict[str, Any] = {
    "summary": "Store a new file",
    "description": "The raw body is the content, described in a header or in the query; or a form whose last part, "
    "`file`, is the content. When the answer comes, the file is on stable storage.",
    "operationId": "upload_file",
    "tags": ["files"],
    "parameters": [
        _header(ATTRIBUTES_HEADER, "the attributes as JSON (UploadAttributes), in ASCII or UTF-8; replaces the query"),
        *map(_query, _FIELDS),
        _header("Repr-Digest", "`sha-256=:<base64>:`; a file with another digest is refused"),
        _header("Content-Digest", "the same"),
        _header(IDEMPOTENCY_KEY_HEADER, "1 to 255 visible ASCII characters; within 24 hours it makes one file"),
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "attributes": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "description": "UploadAttributes as JSON, at most 16 KiB; replaces the single fields",
                        },
                        **_FIELDS,
                        "file": {"type": "string", "format": "binary", "description": "the content; the last part"},
                    },
                }
            },
        },
    },
    "responses": {
        "201": {
            "description": "Stored, durably",
            "headers": {
                "Location": {"description": "where the file is read", "schema": {"type": "string"}},
                REPLAYED_HEADER: {
                    "description": "`true`: the answer to an earlier request with this key",
                    "schema": {"type": "string"},
                },
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/FileAttributes"}}},
        },
        "default": _PROBLEM,
    },
}
