"""Composition of the admin module."""

from functools import partial

from admin_module.api import (
    access,
    administrators,
    approvals,
    audit,
    audit_export,
    discovery,
    elements,
    keys,
    login,
    oauth,
    revocations,
    roles,
    second_factor,
    service_accounts,
    sessions,
)
from admin_module.api.audited import AUDITED
from admin_module.config import Settings
from admin_module.factory import open_services
from artstore_kit.application import Application, build_app
from artstore_kit.contracts.errors import TokenRefused


def create_app(settings: Settings) -> Application:
    """The admin module as an ASGI application."""
    app = build_app(
        "admin-module",
        settings=settings,
        open_services=partial(open_services, settings),
        routers=[
            oauth.router,
            login.router,
            sessions.router,
            second_factor.router,
            administrators.router,
            discovery.router,
            elements.router,
            service_accounts.router,
            roles.router,
            access.router,
            approvals.router,
            revocations.router,
            audit.router,
            audit_export.router,
            keys.router,
        ],
        checks=lambda services: services.checks,
        spool=lambda services: services.spool,
        audited=AUDITED,
        issuer=lambda services: services.issuer,
    )
    app.add_exception_handler(TokenRefused, oauth.answer_token_refusal)
    return app
