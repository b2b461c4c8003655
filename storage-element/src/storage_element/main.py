"""Composition of the storage element."""

from functools import partial

from artstore_kit.application import Application, build_app
from artstore_kit.health import Check
from storage_element.api import changes, content, element, files, holds, upkeep, uploads
from storage_element.api.audited import AUDITED
from storage_element.config import Settings
from storage_element.factory.services import Services
from storage_element.workers.start import running


def create_app(settings: Settings) -> Application:
    """The storage element as an ASGI application."""
    return build_app(
        "storage-element",
        settings=settings,
        open_services=partial(running, settings),
        routers=[files.router, holds.router, uploads.router, changes.router, element.router, upkeep.router],
        byte_routes=[*content.BYTE_ROUTES, *uploads.BYTE_ROUTES],
        checks=_checks,
        issuer=lambda services: services.issuer,
        spool=lambda services: services.spool,
        audited=AUDITED,
    )


def _checks(services: Services) -> list[Check]:
    return list(services.checks)
