"""The one room that names concrete classes: what the query module is made of, opened in order, closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from artstore_kit.audit.opening import deliver_from, open_spool
from artstore_kit.audit.spool import Spool
from artstore_kit.clients.admin import AdminClient
from artstore_kit.health import Check, Health
from artstore_kit.postgres import Database
from artstore_kit.redis import connect
from artstore_kit.registry import ElementDirectory
from artstore_kit.tokens.issuer import RemoteIssuer
from artstore_kit.tokens.service_token import ServiceToken
from artstore_kit.workers import Background
from query_module.adapters.claims import Claims
from query_module.adapters.elements import Elements
from query_module.adapters.lookups import LookUps
from query_module.adapters.reads import Reads
from query_module.config import Settings
from query_module.services.ask_all import AskAll
from query_module.services.deliver import Delivery
from query_module.services.follow import Follower
from query_module.services.indexing import Indexing
from query_module.services.locate import Locator
from query_module.services.roster import Roster
from query_module.services.search import Search


@dataclass(frozen=True)
class Services:
    """What requests can ask of the query module."""

    search: Search
    locator: Locator
    delivery: Delivery
    roster: Roster
    spool: Spool
    issuer: RemoteIssuer
    checks: Sequence[Check]


@asynccontextmanager
async def open_services(settings: Settings, _: asyncio.Event) -> AsyncIterator[Services]:
    """Open what is asked. PostgreSQL may be away: then files are still brought by id."""
    async with Background() as background:
        spool = await open_spool(background, settings.audit, "query-module")
        database = Database(settings.postgres, "query-module")
        background.at_end(database.close)
        reads = Reads(settings.postgres)
        background.at_end(reads.close)
        redis = connect(settings.redis, "query-module")
        background.at_end(redis.aclose)
        token = ServiceToken.of(settings.admin, settings.account)
        background.at_end(token.close)
        admin = AdminClient.of(settings.admin, token)
        background.at_end(admin.close)
        issuer = RemoteIssuer(settings.tokens, admin)
        background.at_end(issuer.close)
        delivery = await deliver_from(background, spool, admin.append_audit)
        directory = ElementDirectory(redis, admin)
        await directory.refresh()
        await background.start("registry", directory.run())
        elements = Elements(directory, token)
        background.at_end(elements.close)

        claims = Claims(database)
        background.at_end(claims.close)
        follower_of = partial(Follower, elements=elements, indexing=Indexing(database), claims=claims)
        roster = Roster(elements, follower_of)

        look_ups = LookUps(reads)
        background.at_end(look_ups.close)
        ask_all = AskAll(elements, settings.elements.deadline_s)
        locator = Locator(look_ups, ask_all, settings.elements.remembered_s)
        yield Services(
            search=Search(reads),
            locator=locator,
            delivery=Delivery(locator, elements),
            roster=roster,
            spool=spool,
            issuer=issuer,
            checks=[
                Check("postgres", database.ping, Health.DEGRADED),
                Check("registry", partial(_registry, elements), Health.DEGRADED),
                Check("followers", roster.check, Health.DEGRADED),
                delivery,
            ],
        )


async def _registry(elements: Elements) -> None:
    """Raise `RegistryUnavailable` until the list of elements has been read once."""
    elements.ids()
