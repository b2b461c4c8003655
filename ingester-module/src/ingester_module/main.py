"""Composition of the ingester."""

from functools import partial

from artstore_kit.application import Application, build_app
from ingester_module.api import files, holds, uploads
from ingester_module.api.audited import AUDITED
from ingester_module.config import Settings
from ingester_module.factory import open_services


def create_app(settings: Settings) -> Application:
    """The ingester as an ASGI application."""
    return build_app(
        "ingester-module",
        settings=settings,
        open_services=partial(open_services, settings),
        routers=[files.router, holds.router],
        byte_routes=uploads.BYTE_ROUTES,
        checks=lambda services: services.checks,
        issuer=lambda services: services.issuer,
        spool=lambda services: services.spool,
        audited=AUDITED,
    )
