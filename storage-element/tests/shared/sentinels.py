"""A Redis master with two replicas and three sentinels, each a process."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from artstore_kit.testing.application import free_port
from tools.fleet.valkey import find_server

WATCHED = "main"


@dataclass
class Sentinels:
    """The processes by port, the master's first; and the ports of the sentinels."""

    directory: Path
    stack: ExitStack
    servers: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        """As settings name it."""
        return f"sentinel://{','.join(f'127.0.0.1:{port}' for port in self.ports)}/{WATCHED}"

    def kill_master(self) -> None:
        """The sentinels will put one of the replicas in its place."""
        next(iter(self.servers.values())).kill()

    def start(self, *lines: str, is_sentinel: bool = False) -> int:
        """One more process; its port."""
        port = free_port()
        configuration = self.directory / f"{port}.conf"
        configuration.write_text("\n".join([f"port {port}", "bind 127.0.0.1", f"dir {self.directory}", *lines]))
        command = [str(find_server()), str(configuration), *(["--sentinel"] if is_sentinel else [])]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        if is_sentinel:
            self.ports.append(port)
        else:
            self.servers[port] = process
        return port


@asynccontextmanager
async def running_sentinels(directory: Path) -> AsyncIterator[Sentinels]:
    """Ready when all see each other."""
    with ExitStack() as stack:
        sentinels = Sentinels(directory, stack)
        master = sentinels.start("repl-diskless-sync-delay 0", 'save ""')
        for _ in range(2):
            sentinels.start(f"replicaof 127.0.0.1 {master}", 'save ""')
        for port in sentinels.servers:
            await _until(port, ("INFO", "replication"), "'connected_slaves': 2" if port == master else "'up'")
        watch = f"sentinel monitor {WATCHED} 127.0.0.1 {master} 2"
        limits = ("down-after-milliseconds main 1000", "failover-timeout main 2000")
        for _ in range(3):
            sentinels.start(watch, *(f"sentinel {limit}" for limit in limits), is_sentinel=True)
        for port in sentinels.ports:
            await _until(port, ("SENTINEL", "MASTER", WATCHED), "'num-other-sentinels': '2'")
            await _until(port, ("SENTINEL", "MASTER", WATCHED), "'num-slaves': '2'")
        yield sentinels


async def _until(port: int, command: tuple[str, ...], says: str) -> None:
    async with asyncio.timeout(30), Redis(port=port, decode_responses=True) as server:
        while says not in await _answer(server, command):  # noqa: ASYNC110 (it happens in other processes)
            await asyncio.sleep(0.1)


async def _answer(server: Redis, command: tuple[str, ...]) -> str:
    try:
        return str(await server.execute_command(*command))  # type: ignore[no-untyped-call]
    except RedisError:  # it does not listen yet
        return ""
