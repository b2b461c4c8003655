"""The issuer is asked for its keys and revocations again and again; a word through Redis only makes it sooner."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NoReturn

from artstore_kit.contracts.revocations import REVOCATIONS_CHANNEL
from artstore_kit.redis import RedisClient, connect, translate_errors
from artstore_kit.settings import MemberSettings, ServiceSettings
from artstore_kit.tokens.bearer import TokenVerifier
from artstore_kit.tokens.issuer import Issuer
from artstore_kit.workers import Background, run_forever

SILENCE_S = 30.0
"""A subscription that says nothing for so long is made anew: its connection may be dead without saying so."""

LONGEST_PAUSE_S = 5.0


@asynccontextmanager
async def watched(settings: ServiceSettings, issuer: Issuer) -> AsyncIterator[TokenVerifier]:
    """A verifier that is kept up to date beside the requests. Words through Redis are for those who ask others."""
    redis = getattr(settings, "redis", None) if isinstance(settings, MemberSettings) else None
    async with Background() as background:
        verifier = TokenVerifier(settings.tokens, issuer)
        every_s = issuer.pull_every_s
        await background.start("signing keys", run_forever("signing keys", every_s, verifier.refresh_keys))
        await background.start("revocations", run_forever("revocations", every_s, verifier.refresh_revocations))
        if redis is not None:
            client = connect(redis, "artstore-revocations")
            background.at_end(client.aclose)
            await background.start("revocations heard", woken(client, verifier.refresh_revocations))
        yield verifier


async def woken(redis: RedisClient, call: Callable[[], Awaitable[object]]) -> NoReturn:
    """Make `call` for each word on the channel, and whenever a word may have been missed."""

    async def listen() -> None:
        async with redis.pubsub() as channel:
            with translate_errors():
                await channel.subscribe(REVOCATIONS_CHANNEL)
            while True:
                with translate_errors():
                    word = await channel.get_message(timeout=SILENCE_S)
                if word is None:
                    return
                await call()  # the first word says that we are heard from now on: what was said before is unknown

    await run_forever("revocations heard", 0.0, listen, longest_pause_s=LONGEST_PAUSE_S)
