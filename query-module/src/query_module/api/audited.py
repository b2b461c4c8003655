"""What the audit log is told of each route."""

from artstore_kit.audit.declared import Audited, Declarations

_READ = Audited("file.read", "file:{file_id}")

AUDITED: Declarations = {
    "GET /api/v1/files": Audited("file.list"),
    "GET /api/v1/search": Audited("file.search"),
    "GET /api/v1/files/{file_id}": _READ,
    "GET /api/v1/files/{file_id}/content": _READ,
    "HEAD /api/v1/files/{file_id}/content": _READ,
}
