"""Requests to the fleet: authorised, answered or refused in ArtStore's words, and tried again where that is safe."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType

import aiohttp

from artstore.answers import Answer, fetch, refuse, whole
from artstore.problems import unreachable
from artstore.retry import persist
from artstore.sending import Sending
from artstore.tokens import Tokens
from artstore_kit.contracts.identity import FleetAddresses

CONNECT_TIMEOUT_S = 5.0
SILENCE_TIMEOUT_S = 60.0
# Idle connections are given up before the services' own 75 s, so that none is used while it is being closed.
KEPT_IDLE_S = 60.0
READ_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class Request:
    """What is asked of the fleet. `repeatable`: carried out twice, it does what it does once."""

    method: str
    url: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = MappingProxyType({})
    document: bytes | None = None
    sending: Sending | None = None
    repeatable: bool = True

    def may_repeat(self) -> bool:
        """Whether it can be sent once more."""
        return self.repeatable and (self.sending is None or self.sending.repeatable)


class Connection:
    """What the SDK's operations stand on."""

    def __init__(self, session: aiohttp.ClientSession, tokens: Tokens, addresses: FleetAddresses) -> None:
        self.admin = f"{addresses.admin_url.rstrip('/')}/api/v1"
        self.ingester = f"{addresses.ingester_url.rstrip('/')}/api/v1"
        self.query = f"{addresses.query_url.rstrip('/')}/api/v1"
        self._session = session
        self._tokens = tokens

    async def ask(self, request: Request) -> Answer:
        """The whole answer, after as many attempts as it takes and `request` allows."""
        return await persist(lambda: self.ask_once(request), may_repeat=request.may_repeat)

    async def ask_once(self, request: Request) -> Answer:
        """The whole answer to one attempt."""
        return await whole(await self.begin(request))

    async def begin(self, request: Request) -> aiohttp.ClientResponse:
        """One attempt up to the answer's headers; the caller reads the body and closes."""
        token = await self._tokens.token()
        response = await self._send(request, token)
        if response.status == 401 and request.may_repeat() and self._tokens.refused(token):
            response.close()
            response = await self._send(request, await self._tokens.token())
        if response.status >= 300:
            await refuse(response)
        return response

    async def _send(self, request: Request, token: str) -> aiohttp.ClientResponse:
        sending = request.sending
        try:
            async with asyncio.timeout(None) as still:
                with sending.watched_by(still) if sending else nullcontext():
                    return await self._session.request(
                        request.method,
                        request.url,
                        params=request.query,
                        headers={**request.headers, "Authorization": f"Bearer {token}"},
                        data=sending.body() if sending else request.document,
                        allow_redirects=False,
                    )
        except (aiohttp.ClientError, TimeoutError) as error:
            if sending and sending.failure:
                raise sending.failure from None
            raise unreachable(request.url, error) from error


@asynccontextmanager
async def http_session() -> AsyncIterator[aiohttp.ClientSession]:
    """The one HTTP session of a client. Bodies pass as they are: ranges and digests count the stored bytes."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(keepalive_timeout=KEPT_IDLE_S),
        headers={"Accept-Encoding": "identity", "User-Agent": "artstore-client"},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=READ_BUFFER_BYTES,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S),
    ) as session:
        # Of its own accord it sends DELETE twice when an idle connection turns out to be closed: attempts are counted
        # here, so that a 404 to a second one is not taken for an unknown file.
        session._retry_connection = False
        yield session


async def discover(session: aiohttp.ClientSession, admin_url: str) -> FleetAddresses:
    """Where the services of this fleet are."""
    return await fetch(session, f"{admin_url}/.well-known/artstore", FleetAddresses)
