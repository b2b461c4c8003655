"""The lean client of the byte path: bodies streamed to and from another service in bounded memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Self

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from artstore_kit.callee import CONNECT_TIMEOUT_S, IDLE_CONNECTION_S, PROBLEM_LIMIT_BYTES, Callee
from artstore_kit.contracts.errors import ArtStoreError

READ_BUFFER_BYTES = 512 * 1024
CONNECTIONS = 256
IDLE_S = 30.0
"""How long the other side may neither take nor give a byte; a body as a whole may take as long as it needs."""

MOVED = 307
CONTENT_LENGTH = "Content-Length"


@dataclass(frozen=True)
class ByteAnswer:
    """An answer whose body has not been read yet."""

    status: int
    headers: CIMultiDictProxy[str]
    _response: aiohttp.ClientResponse
    _callee: Callee

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; an error of the connection is `DependencyUnavailable`, never a short body."""
        try:
            async for chunk, _ in self._response.content.iter_chunks():
                if chunk:
                    yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise self._callee.unreachable() from error

    async def read(self, limit_bytes: int = 16 * 1024 * 1024) -> bytes:
        """The body, or its first `limit_bytes`."""
        parts: list[bytes] = []
        left = limit_bytes
        async for chunk in self.chunks():
            parts.append(chunk[:left])
            left -= len(parts[-1])
            if left == 0:
                break
        return b"".join(parts)


class ByteClient:
    """Streams bodies to and from one service; its breaker and credentials are those of `callee`."""

    def __init__(self, callee: Callee, *, connections: int = CONNECTIONS, idle_s: float = IDLE_S) -> None:
        self.callee = callee
        self._idle_s = idle_s
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def put(
        self,
        path: str,
        body: AsyncIterator[bytes] | bytes,
        headers: Mapping[str, str],
        *,
        content_length: int | None = None,
        expect_continue: bool = False,
        method: str = "PUT",
    ) -> AsyncIterator[ByteAnswer]:
        """Send `body` as it comes, no faster than it is taken. What `body` raises is raised, and cuts the connection.

        Without `content_length` a stream goes in chunks (RFC 9112 section 7.1). With `expect_continue` it is not begun
        before the other side asks for it, so that a refusal costs no byte of it (RFC 9110 section 10.1.1).
        """
        length = {} if content_length is None else {CONTENT_LENGTH: str(content_length)}
        expect = {"Expect": "100-continue"} if expect_continue else {}
        sending = body if isinstance(body, bytes) else _Sending(body, self._idle_s)
        async with self._asking(method, path, {**headers, **length, **expect}, sending) as answer:
            yield answer

    @asynccontextmanager
    async def get(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> AsyncIterator[ByteAnswer]:
        """Ask for a body; leave the block early to give it up."""
        async with self._asking(method, path, headers or {}, None) as answer:
            yield answer

    @asynccontextmanager
    async def _asking(
        self, method: str, path: str, headers: Mapping[str, str], sending: "_Sending | bytes | None"
    ) -> AsyncIterator[ByteAnswer]:
        authorization = await self.callee.authorization()
        async with AsyncExitStack() as stack:
            try:
                # The call ends for the breaker when its answer begins: the body's failures are raised by `chunks`.
                async with self.callee.calling(method, path) as span:
                    sent = {**headers, **self.callee.headers(span), **authorization}
                    response = await self._answered(stack, method, path, sent, sending)
                    if response.status == MOVED and self._may_send_again(response, sending):
                        response = await self._answered(stack, method, path, sent, sending)
                    span.set_status(response.status)
                    if response.status >= 400 or response.status == MOVED:
                        raise await self._error_of(response, authorization)
            except _SourceFailed as failed:
                raise failed.failure from None
            yield ByteAnswer(response.status, response.headers, response, self.callee)

    async def _answered(
        self,
        stack: AsyncExitStack,
        method: str,
        path: str,
        headers: Mapping[str, str],
        sending: "_Sending | bytes | None",
    ) -> aiohttp.ClientResponse:
        stream = sending if isinstance(sending, _Sending) else None
        request = self._open_session().request(
            method,
            URL(f"{self.callee.base_url}{path}", encoded=True),
            data=stream.chunks() if stream else sending,
            headers=headers,
            allow_redirects=False,
        )
        try:
            async with asyncio.timeout(self._first_limit_s(headers, sending)) as limit:
                if stream:
                    stream.limit = limit
                return await stack.enter_async_context(request)
        except (aiohttp.ClientError, OSError) as error:
            if stream and stream.failure:
                raise _SourceFailed(stream.failure) from error
            raise self._failure(error) from error
        finally:
            if stream:
                stream.limit = None

    def _may_send_again(self, response: aiohttp.ClientResponse, sending: "_Sending | bytes | None") -> bool:
        """Whether it goes somewhere else, and nothing of a stream is gone (RFC 9110 section 15.4.8)."""
        begun = isinstance(sending, _Sending) and sending.begun
        return self.callee.moved(response.headers.get("Location", "")) and not begun

    def _first_limit_s(self, headers: Mapping[str, str], sending: "_Sending | bytes | None") -> float | None:
        """Before the first chunk of a stream there is nothing to watch; bytes are watched as a whole."""
        if isinstance(sending, bytes):
            return self._idle_s * 2
        return self._idle_s if "Expect" in headers else None

    async def _error_of(self, response: aiohttp.ClientResponse, authorization: Mapping[str, str]) -> ArtStoreError:
        if response.status == 401 and authorization:
            self.callee.refused(authorization)
        try:
            body = await response.content.read(PROBLEM_LIMIT_BYTES)
        except (aiohttp.ClientError, OSError) as error:
            return self._failure(error)
        return self.callee.error_of(response.status, response.headers, body)

    def _failure(self, error: Exception) -> ArtStoreError:
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return self.callee.unreached()
        return self.callee.late(self._idle_s) if isinstance(error, TimeoutError) else self.callee.unreachable()

    def _open_session(self) -> aiohttp.ClientSession:
        """Made at the first call, because aiohttp wants a running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections, keepalive_timeout=IDLE_CONNECTION_S, ssl=self.callee.tls or True
                ),
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=self._idle_s, sock_connect=CONNECT_TIMEOUT_S, sock_read=self._idle_s
                ),
                auto_decompress=False,
                read_bufsize=READ_BUFFER_BYTES,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
            )
            # Of its own accord it sends a PUT a second time when a kept connection is lost, and tells how that ended:
            # a service that died with the first one on its table would seem never to have been reached.
            self._session._retry_connection = False
        return self._session


class _SourceFailed(Exception):
    """The body could not be had: not a failure of the service that it goes to."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure


class _Sending:
    """A body on its way: watches that it is taken, and keeps what its source raised (aiohttp would hide it)."""

    def __init__(self, body: AsyncIterator[bytes], idle_s: float) -> None:
        self._body = body
        self._idle_s = idle_s
        self.limit: asyncio.Timeout | None = None
        self.failure: Exception | None = None
        self.begun = False

    async def chunks(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        try:
            self.begun = True
            async for chunk in self._body:
                self._watch(loop.time() + self._idle_s)
                yield chunk
                self._watch(None)
        except Exception as error:
            self.failure = error
            raise

    def _watch(self, until: float | None) -> None:
        if self.limit is not None and not self.limit.expired():
            self.limit.reschedule(until)
