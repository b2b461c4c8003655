"""What the audit log is told of each route."""

from artstore_kit.audit.declared import WITH_ITS_EFFECT, Audited, Declarations

AUDITED: Declarations = {
    "POST /api/v1/files": Audited("file.create", untold=WITH_ITS_EFFECT),
    "PATCH /api/v1/files/{file_id}": Audited("file.change", "file:{file_id}", untold=WITH_ITS_EFFECT),
    "DELETE /api/v1/files/{file_id}": Audited("file.remove", "file:{file_id}", untold=WITH_ITS_EFFECT),
    "PUT /api/v1/files/{file_id}/holds/{hold_id}": Audited("hold.place", "file:{file_id}", untold=WITH_ITS_EFFECT),
    "DELETE /api/v1/files/{file_id}/holds/{hold_id}": Audited("hold.release", "file:{file_id}", untold=WITH_ITS_EFFECT),
}
