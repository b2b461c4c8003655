"""The one room that names concrete classes: what the ingester is made of, opened in order, closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from artstore_kit.audit.opening import deliver_from, open_spool
from artstore_kit.audit.spool import Spool
from artstore_kit.clients.admin import AdminClient
from artstore_kit.health import Check, Health
from artstore_kit.redis import connect, ping
from artstore_kit.registry import ElementDirectory
from artstore_kit.tokens.issuer import RemoteIssuer
from artstore_kit.tokens.service_token import ServiceToken
from artstore_kit.workers import Background
from ingester_module.adapters.element_files import ElementFiles
from ingester_module.adapters.idempotency import IdempotencyRecords
from ingester_module.config import Settings
from ingester_module.domain.intake import Limits
from ingester_module.services.changes import Changes
from ingester_module.services.holds import Holds
from ingester_module.services.once import Once
from ingester_module.services.placing import Placing
from ingester_module.services.readiness import Readiness
from ingester_module.services.seen_files import SeenFiles
from ingester_module.services.uploads import Uploads


@dataclass(frozen=True)
class Services:
    """What requests can ask of the ingester."""

    uploads: Uploads
    changes: Changes
    holds: Holds
    spool: Spool
    issuer: RemoteIssuer
    query_url: str
    checks: Sequence[Check]


@asynccontextmanager
async def open_services(settings: Settings, stopping: asyncio.Event) -> AsyncIterator[Services]:  # noqa: ARG001
    """Everything that the ingester holds open; nothing of it polls, so that `stopping` ends nothing here."""
    async with Background() as background:
        spool = await open_spool(background, settings.audit, "ingester-module")
        redis = connect(settings.redis, "ingester-module")
        background.at_end(redis.aclose)
        token = ServiceToken.of(settings.admin, settings.account)
        background.at_end(token.close)
        admin = AdminClient.of(settings.admin, token)
        background.at_end(admin.close)
        issuer = RemoteIssuer(settings.tokens, admin)
        background.at_end(issuer.close)
        delivery = await deliver_from(background, spool, admin.append_audit)
        elements = ElementFiles(token)
        background.at_end(elements.close)
        directory = ElementDirectory(redis, admin)
        await directory.refresh()
        await background.start("registry", directory.run())
        seen = SeenFiles(directory, elements)

        site = settings.placement.site
        readiness = Readiness(directory, elements, site)
        limits = Limits(settings.uploads.max_size_bytes, settings.uploads.refused_patterns)
        yield Services(
            uploads=Uploads(limits, Placing(directory, elements, site), Once(IdempotencyRecords(redis))),
            changes=Changes(seen, elements),
            holds=Holds(seen, elements),
            spool=spool,
            issuer=issuer,
            query_url=settings.public.query_url.rstrip("/"),
            checks=[
                Check("elements", readiness.elements),
                Check("redis", lambda: ping(redis), Health.DEGRADED),
                Check("account", readiness.account, Health.DEGRADED),
                delivery,
            ],
        )
