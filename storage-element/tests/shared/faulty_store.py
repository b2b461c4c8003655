"""A proxy before an S3 server, which does to requests what networks and busy stores do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

type Answer = tuple[int, dict[str, str], bytes]
type Act = Callable[["FaultyStore", web.Request, bytes], Awaitable[web.StreamResponse]]

_CHECKSUM = "x-amz-checksum-sha256"
_HOP = {"connection", "transfer-encoding", "keep-alive", "server", "date", "content-length", "expect"}


@dataclass
class Fault:
    """What happens to the next `times` requests of this method whose key contains `key`."""

    act: Act
    method: str = ""
    key: str = ""
    times: int = 1_000_000

    def meets(self, request: web.Request) -> bool:
        """Whether it is this one's turn."""
        return self.times > 0 and self.method in {"", request.method} and self.key in request.raw_path


@dataclass
class FaultyStore:
    """`url` is that of the store as the element sees it."""

    behind: str
    http: aiohttp.ClientSession
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    met: int = 0

    def will(self, act: Act, method: str = "", key: str = "", times: int = 1_000_000) -> Fault:
        """From now on."""
        self.faults.append(fault := Fault(act, method, key, times))
        return fault

    def heal(self) -> None:
        """No faults any more."""
        self.faults.clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        body = await request.read()
        for fault in self.faults:
            if fault.meets(request):
                fault.times -= 1
                self.met += 1
                return await fault.act(self, request, body)
        return plain(await self.ask(request, body))

    async def ask(self, request: web.Request, body: bytes, method: str = "", without: str = "-") -> Answer:
        """What the store answers to it, or to another method, or without the headers that begin so."""
        kept = [name for name in request.headers if name.lower() not in _HOP and not name.lower().startswith(without)]
        headers = {name: request.headers[name] for name in kept}
        url = URL(f"{self.behind}{request.raw_path}", encoded=True)
        async with self.http.request(
            method or request.method, url, data=body, headers=headers, skip_auto_headers=["Accept-Encoding"]
        ) as answer:
            data = await answer.read()
            told = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            if request.method == "HEAD":
                told["Content-Length"] = answer.headers.get("Content-Length", "0")
            return answer.status, told, data


def plain(answer: Answer) -> web.Response:
    """As the store answered."""
    status, headers, data = answer
    return web.Response(status=status, headers=headers, body=data or None)


def refused(status: int, code: str) -> Act:
    """Turned away: nothing is done."""

    async def act(_: FaultyStore, __: web.Request, ___: bytes) -> web.Response:
        text = f"<Error><Code>{code}</Code><Message>not now</Message></Error>"
        return web.Response(status=status, text=text, content_type="application/xml")

    return act


async def lost(store: FaultyStore, request: web.Request, body: bytes) -> web.Response:
    """Done, and the answer does not arrive."""
    await store.ask(request, body)
    _cut(request)
    return web.Response()


async def cut(_: FaultyStore, request: web.Request, __: bytes) -> web.Response:
    """The connection breaks before the store has all of it."""
    _cut(request)
    return web.Response()


async def cut_in_the_middle(store: FaultyStore, request: web.Request, body: bytes) -> web.StreamResponse:
    """Half of the answer arrives."""
    status, headers, data = await store.ask(request, body)
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(data)
    await response.prepare(request)
    await response.write(data[: len(data) // 2])
    _cut(request)
    return response


def slow(seconds: float) -> Act:
    """Done late."""

    async def act(store: FaultyStore, request: web.Request, body: bytes) -> web.Response:
        await asyncio.sleep(seconds)
        return plain(await store.ask(request, body))

    return act


async def not_kept(store: FaultyStore, request: web.Request, body: bytes) -> web.Response:
    """Answered with success, and gone."""
    answer = await store.ask(request, body)
    await store.ask(request, b"", "DELETE")
    return plain(answer)


async def named_and_not_kept(store: FaultyStore, request: web.Request, body: bytes) -> web.Response:
    """Likewise, and with the checksum that was sent."""
    answer = await not_kept(store, request, body)
    answer.headers[_CHECKSUM] = request.headers[_CHECKSUM]
    return answer


async def without_conditions(store: FaultyStore, request: web.Request, body: bytes) -> web.Response:
    """As a store does that has never heard of them."""
    return plain(await store.ask(request, body, without="if-"))


def _cut(request: web.Request) -> None:
    assert request.transport is not None, "it was open"
    request.transport.abort()


@asynccontextmanager
async def faulty_store(behind: str) -> AsyncIterator[FaultyStore]:
    """A proxy without faults so far."""
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        store = FaultyStore(behind, http)
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{key:.*}", store.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        store.url = f"http://{host}:{port}"
        try:
            yield store
        finally:
            await runner.cleanup()
