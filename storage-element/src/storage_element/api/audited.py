"""What the audit log is told of each route. Whoever acts for somebody tells of it too, and alone but for content."""

from artstore_kit.audit.declared import OFTEN_AND_HARMLESS, WITH_ITS_EFFECT, Audited, Declarations

FILE = "file:{file_id}"
_PART = "a part of an upload; the file that it becomes is told"
_FEED = "a change feed is read again and again, by services that follow all files; people who read it are told"

_CONTENT = Audited("file.read", FILE)
"""No account, not even a service's, takes content away untold (docs/decisions/content-is-told-twice.md)."""


def _read(resource: str = FILE, action: str = "file.read") -> Audited:
    return Audited(action, resource, by_front=True)


def _change(action: str, resource: str = FILE) -> Audited:
    return Audited(action, resource, untold=WITH_ITS_EFFECT, by_front=True)


def _part(action: str, resource: str = "") -> Audited:
    return Audited(action, resource, untold=_PART, by_front=True)


def _status(action: str) -> Audited:
    return Audited(action, "element", untold=OFTEN_AND_HARMLESS)


AUDITED: Declarations = {
    "GET /api/v1/files": _read("", "file.list"),
    "GET /api/v1/files/{file_id}": _read(),
    "GET /api/v1/files/{file_id}/content": _CONTENT,
    "HEAD /api/v1/files/{file_id}/content": _read(),
    "GET /api/v1/changes": Audited("file.list", untold_of_services=_FEED),
    "PUT /api/v1/files": _change("file.create", ""),
    "PUT /api/v1/files/{file_id}": _change("file.create"),
    "PUT /api/v1/files/{file_id}/content": _change("file.replace"),
    "PATCH /api/v1/files/{file_id}": _change("file.change"),
    "DELETE /api/v1/files/{file_id}": _change("file.remove"),
    "PUT /api/v1/files/{file_id}/holds/{hold_id}": _change("hold.place"),
    "DELETE /api/v1/files/{file_id}/holds/{hold_id}": _change("hold.release"),
    "POST /api/v1/uploads": _part("file.create"),
    "GET /api/v1/uploads/{upload_id}": _part("upload.read", "upload:{upload_id}"),
    "PATCH /api/v1/uploads/{upload_id}": _part("file.create", "upload:{upload_id}"),
    "DELETE /api/v1/uploads/{upload_id}": _part("upload.remove", "upload:{upload_id}"),
    "POST /api/v1/uploads/{upload_id}/commit": _change("file.create", "upload:{upload_id}"),
    "GET /api/v1/element": _status("element.read"),
    "GET /api/v1/element/expiry": _status("element.read"),
    "GET /api/v1/element/reconcile": _status("element.read"),
    "GET /api/v1/element/scrub": _status("element.read"),
    "POST /api/v1/element/expiry/trust-clock": Audited("element.trust_clock", "element"),
    "POST /api/v1/element/reconcile/{order}": Audited("element.reconcile", "element"),
    "POST /api/v1/element/scrub/{order}": Audited("element.scrub", "element"),
}
