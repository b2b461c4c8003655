"""A small honest stand-in for a fleet: the HTTP contract that the client uses, on a real port, with faults."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiohttp import web

from artstore_kit.contracts.approvals import Approval
from artstore_kit.contracts.files import FileAttributes

CLIENT_ID = "scripts"
CLIENT_SECRET = "a secret of the tests"
PASSWORD = "a password of the tests"
CODE = "123456"


@dataclass
class Fault:
    """What happens to the next requests of a method on a path that contains `path`."""

    method: str
    path: str
    times: int = 1
    status: int = 0
    """Answer this, with `headers` and `body`, instead of doing anything."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    lose_answer: bool = False
    """Do it, then cut the connection."""
    cut_after_bytes: int | None = None
    """Cut a download after so many bytes."""
    wait_s: float = 0
    """Take this long before anything is done; before a cut, when there is one."""
    alter: bool = False
    """Content is damaged on its way, and nobody on the way notices."""


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    query: list[tuple[str, str]]


@dataclass
class Fleet:
    """What the stand-in knows. Tests read all of it and add `faults`."""

    url: str = ""
    files: dict[UUID, FileAttributes] = field(default_factory=dict)
    contents: dict[UUID, bytes] = field(default_factory=dict)
    answers: dict[str, FileAttributes] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    tokens_given: int = 0
    token_lifetime_s: int = 900
    jwk: dict[str, str] = field(default_factory=dict)
    """The public key with which the service account may sign."""
    assertions: list[dict[str, Any]] = field(default_factory=list)
    """Header and claims of each that was accepted."""
    password: str = PASSWORD
    """Of the administrator."""
    is_temporary: bool = False
    has_second_factor: bool = False
    approvals: dict[UUID, Approval] = field(default_factory=dict)
    asked: dict[str, Approval] = field(default_factory=dict)
    """By `Idempotency-Key`."""
    receiving: threading.Event = field(default_factory=threading.Event)

    def fail(self, method: str, path: str, **what: object) -> None:
        """Add a fault."""
        self.faults.append(Fault(method, path, **what))  # type: ignore[arg-type]

    def meets(self, request: web.Request) -> Fault:
        """The fault that this request meets, used up; a harmless one when there is none."""
        for fault in self.faults:
            if fault.times and fault.method == request.method and fault.path in request.path:
                fault.times -= 1
                return fault
        return Fault("", "")

    def requests(self, method: str, path: str) -> list[Seen]:
        """Those that arrived at a path that contains `path`."""
        return [seen for seen in self.seen if seen.method == method and path in seen.path]


@contextmanager
def running(fleet: Fleet, make_app: Callable[[Fleet], web.Application]) -> Iterator[Fleet]:
    """Serve `fleet` from a thread of its own, so that the client may block or be another process."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fleet stand-in", daemon=True)
    thread.start()
    runner = web.AppRunner(make_app(fleet), shutdown_timeout=0.1)

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        fleet.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield fleet
    finally:
        asyncio.run_coroutine_threadsafe(_stop(runner), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _stop(runner: web.AppRunner) -> None:
    await runner.cleanup()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
