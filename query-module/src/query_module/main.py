"""Composition of the query module."""

from functools import partial

from artstore_kit.application import Application, build_app
from artstore_kit.health import Check
from query_module.api import content, files, search
from query_module.api.audited import AUDITED
from query_module.config import Settings
from query_module.factory import Services
from query_module.workers.followers import following


def create_app(settings: Settings) -> Application:
    """The query module as an ASGI application."""
    return build_app(
        "query-module",
        settings=settings,
        open_services=partial(following, settings),
        routers=[search.router],
        byte_routes=[*content.BYTE_ROUTES, *files.BYTE_ROUTES],
        checks=_checks,
        issuer=lambda services: services.issuer,
        spool=lambda services: services.spool,
        audited=AUDITED,
    )


def _checks(services: Services) -> list[Check]:
    return list(services.checks)
