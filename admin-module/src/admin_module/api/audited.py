"""What the audit log is told of each route."""

from artstore_kit.audit.declared import OFTEN_AND_HARMLESS, WITH_ITS_EFFECT, Audited, Declarations


def _change(action: str, resource: str = "") -> Audited:
    return Audited(action, resource, untold=WITH_ITS_EFFECT)


_ACCOUNT = "account:{client_id}"
_OFTEN = OFTEN_AND_HARMLESS
_PUBLIC = "witnesses ask for it again and again; it tells nothing but how long the log is"

_ADMINISTRATOR = "administrator:{username}"
_APPROVAL = "approval:{approval_id}"

_PEOPLE = {
    ("POST", "/administrators"): _change("administrator.create"),
    ("GET", "/administrators"): Audited("administrator.list"),
    ("GET", "/administrators/{username}"): Audited("administrator.read", _ADMINISTRATOR),
    ("PATCH", "/administrators/{username}"): _change("administrator.change", _ADMINISTRATOR),
    ("DELETE", "/administrators/{username}"): _change("administrator.remove", _ADMINISTRATOR),
    ("POST", "/administrators/{username}/activate"): _change("administrator.activate", _ADMINISTRATOR),
    ("POST", "/administrators/{username}/suspend"): _change("administrator.suspend", _ADMINISTRATOR),
    ("POST", "/administrators/{username}/unlock"): _change("administrator.unlock", _ADMINISTRATOR),
    ("POST", "/administrators/{username}/reset-password"): _change("administrator.reset_password", _ADMINISTRATOR),
    ("POST", "/administrators/{username}/reset-totp"): _change("administrator.reset_totp", _ADMINISTRATOR),
    ("GET", "/administrators/{username}/sessions"): Audited("session.list", _ADMINISTRATOR),
    ("DELETE", "/administrators/{username}/sessions"): _change("session.end", _ADMINISTRATOR),
    ("DELETE", "/administrators/{username}/sessions/{session_id}"): _change("session.end", _ADMINISTRATOR),
    ("GET", "/auth/sessions"): Audited("session.list"),
    ("DELETE", "/auth/sessions/{session_id}"): _change("session.end"),
    ("POST", "/auth/totp"): _change("administrator.begin_totp"),
    ("POST", "/auth/totp/confirm"): _change("administrator.enable_totp"),
    ("POST", "/auth/totp/recovery-codes"): _change("administrator.renew_recovery_codes"),
    ("POST", "/auth/totp/disable"): _change("administrator.disable_totp"),
    ("POST", "/approvals"): _change("approval.request"),
    ("GET", "/approvals"): Audited("approval.list"),
    ("GET", "/approvals/{approval_id}"): Audited("approval.read", _APPROVAL),
    ("POST", "/approvals/{approval_id}/approve"): _change("approval.approve", _APPROVAL),
    ("POST", "/approvals/{approval_id}/reject"): _change("approval.reject", _APPROVAL),
    ("POST", "/approvals/{approval_id}/withdraw"): _change("approval.withdraw", _APPROVAL),
    ("POST", "/approvals/{approval_id}/use"): _change("approval.use", _APPROVAL),
}

AUDITED: Declarations = {
    "POST /api/v1/auth/token": Audited("token.issue"),
    "POST /api/v1/auth/introspect": Audited("token.introspect"),
    "POST /api/v1/auth/revoke": _change("token.revoke"),
    "POST /api/v1/access/explain": Audited("access.explain"),
    "POST /api/v1/auth/login": _change("administrator.login"),
    "POST /api/v1/auth/refresh": Audited("administrator.refresh"),
    "POST /api/v1/auth/logout": _change("administrator.logout"),
    "POST /api/v1/auth/password": _change("administrator.change_password"),
    "GET /api/v1/revocations": Audited("token.read", untold=_OFTEN),
    "GET /api/v1/elements": Audited("element.list", untold=_OFTEN),
    "GET /api/v1/elements/{element_id}": Audited("element.read", "element:{element_id}", untold=_OFTEN),
    "PUT /api/v1/elements/{element_id}": _change("element.register", "element:{element_id}"),
    "DELETE /api/v1/elements/{element_id}": _change("element.remove", "element:{element_id}"),
    "POST /api/v1/elements/{element_id}/readmission": _change("element.readmit", "element:{element_id}"),
    "POST /api/v1/elements/{element_id}/reports": Audited("element.report", "element:{element_id}", untold=_OFTEN),
    "POST /api/v1/service-accounts": _change("account.create"),
    "GET /api/v1/service-accounts": Audited("account.list"),
    "GET /api/v1/service-accounts/{client_id}": Audited("account.read", _ACCOUNT),
    "PATCH /api/v1/service-accounts/{client_id}": _change("account.change", _ACCOUNT),
    "DELETE /api/v1/service-accounts/{client_id}": _change("account.remove", _ACCOUNT),
    "POST /api/v1/service-accounts/{client_id}/activate": _change("account.activate", _ACCOUNT),
    "POST /api/v1/service-accounts/{client_id}/suspend": _change("account.suspend", _ACCOUNT),
    "POST /api/v1/service-accounts/{client_id}/secret": _change("account.rotate_secret", _ACCOUNT),
    "POST /api/v1/roles": _change("role.create"),
    "GET /api/v1/roles": Audited("role.list"),
    "GET /api/v1/roles/{name}": Audited("role.read", "role:{name}"),
    "PATCH /api/v1/roles/{name}": _change("role.change", "role:{name}"),
    "DELETE /api/v1/roles/{name}": _change("role.remove", "role:{name}"),
    "GET /api/v1/keys": Audited("key.list"),
    "POST /api/v1/keys/rotate": _change("key.rotate"),
    "POST /api/v1/keys/export": _change("key.export", "keys"),
    "POST /api/v1/keys/{kid}/revoke": _change("key.revoke", "key:{kid}"),
    "POST /api/v1/audit/entries": Audited("audit.append", "audit", untold="an entry of entries would never end"),
    "GET /api/v1/audit/entries": Audited("audit.read", "audit"),
    "GET /api/v1/audit/proofs/inclusion": Audited("audit.read", "audit"),
    "GET /api/v1/audit/leaves": Audited("audit.export", "audit"),
    "GET /api/v1/audit/export": Audited("audit.export", "audit"),
    "GET /api/v1/audit/checkpoint": Audited("audit.read", "audit", untold=_PUBLIC),
    "GET /api/v1/audit/proofs/consistency": Audited("audit.read", "audit", untold=_PUBLIC),
    **{f"{verb} /api/v1{path}": audited for (verb, path), audited in _PEOPLE.items()},
}
