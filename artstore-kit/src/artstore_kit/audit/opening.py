"""How a service opens its spool and delivers from it, beside the requests."""

import asyncio

from artstore_kit.audit.sender import Deliver, Sender
from artstore_kit.audit.spool import Spool
from artstore_kit.health import Check, Health
from artstore_kit.settings import AuditSettings
from artstore_kit.workers import Background, run_forever

SYNC_EVERY_S = 0.5
SEND_EVERY_S = 0.5
LONGEST_PAUSE_S = 10.0


async def open_spool(background: Background, settings: AuditSettings, service: str, node: str = "") -> Spool:
    """The spool, synced at least each second from now on, and closed at the end of `background`."""
    spool = await asyncio.to_thread(Spool.opened, settings, service, node)
    background.at_end(spool.close)
    await background.start("audit sync", run_forever("audit sync", SYNC_EVERY_S, spool.synced, longest_pause_s=1.0))
    return spool


async def deliver_from(background: Background, spool: Spool, deliver: Deliver) -> Check:
    """Deliver what is in the spool and what will be; the check says how that goes."""
    sender = await asyncio.to_thread(Sender, spool, deliver)
    work = run_forever("audit", SEND_EVERY_S, sender.round, longest_pause_s=LONGEST_PAUSE_S)
    await background.start("audit", work)
    return Check("audit", sender.check, Health.DEGRADED)
