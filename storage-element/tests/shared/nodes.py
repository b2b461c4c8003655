"""Several nodes on one element, each a process, and callers who write and read without pause."""

import asyncio
import hashlib
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import boto3
import httpx
import s3_servers
from process import Process, started

from artstore_kit.contracts.files import ATTRIBUTES_HEADER, FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.application import free_port
from storage_element.config import S3Settings, Settings
from storage_element.domain import layout
from storage_element.domain.mastership import Mark
from storage_element.domain.superblock import Superblock

LEASE_S = 1.5
WRITES_GO_ON_WITHIN_S = 10.0
PUT = {ATTRIBUTES_HEADER: '{"name": "x"}'}
SIZES = (0, 100, 5000, 100_000)


@dataclass
class Nodes:
    """The nodes of one element, by name."""

    root: Path
    processes: dict[str, Process] = field(default_factory=dict)

    def mark(self) -> Mark | None:
        """What the newest master says of itself."""
        found = sorted((self.root / layout.STAGING).glob(f"*/{layout.MARK}"), key=lambda path: int(path.parent.name))
        try:
            return Mark.model_validate_json(found[-1].read_bytes()) if found else None
        except FileNotFoundError:  # it changes hands at this moment
            return None

    async def master(self, *, other_than: str = "", within_s: float = WRITES_GO_ON_WITHIN_S) -> str:
        """The node that takes writes."""
        async with asyncio.timeout(within_s):
            while not ((mark := self.mark()) and mark.is_ready and mark.node_id != other_than):  # noqa: ASYNC110 (it happens in other processes)
                await asyncio.sleep(0.02)
        return mark.node_id

    def kill(self, name: str) -> None:
        """As a power cut would."""
        self.processes[name].popen.kill()
        self.processes.pop(name).popen.wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT, SIGTERM."""
        self.processes[name].popen.send_signal(number)


@dataclass
class BucketNodes(Nodes):
    """Those that meet in a bucket."""

    s3: S3Settings = field(default_factory=S3Settings)

    def mark(self) -> Mark | None:
        """Who is the master, by the epoch of the element."""
        block, mark = self.read(layout.SUPERBLOCK), self.read(layout.MARK)
        if block is None or mark is None:
            return None
        found = Mark.model_validate_json(mark)
        return found if found.epoch == Superblock.model_validate_json(block).epoch else None

    def read(self, key: str) -> bytes | None:
        """The object at `key`, if there is one."""
        keys = {"aws_access_key_id": s3_servers.KEY, "aws_secret_access_key": s3_servers.SECRET}
        client = boto3.client("s3", endpoint_url=self.s3.endpoint_url, region_name="us-east-1", **keys)
        try:
            body: bytes = client.get_object(Bucket=self.s3.bucket, Key=f"{self.s3.prefix}/{key}")["Body"].read()
        except client.exceptions.NoSuchKey:
            return None
        finally:
            client.close()
        return body


@asynccontextmanager
async def running_nodes(
    settings: Settings, directory: Path, names: str, changes: Mapping[str, str]
) -> AsyncIterator[Nodes]:
    """One node for each letter of `names`."""
    async with AsyncExitStack() as stack:
        root = settings.element.root
        nodes = Nodes(root) if root is not None else BucketNodes(Path("nowhere"), s3=settings.s3)
        for name in names:
            port = free_port()
            variables = {
                "ARTSTORE_SERVER__PORT": str(port),
                "ARTSTORE_ELEMENT__URL": f"http://127.0.0.1:{port}",
                "ARTSTORE_NODE__ID": name,
                "ARTSTORE_NODE__LEASE_S": str(LEASE_S),
                "ARTSTORE_AUDIT__SPOOL_DIR": str(directory / f"audit-{name}"),
                **changes,
            }
            process = await stack.enter_async_context(started(settings, directory / f"log-{name}", variables))
            process.url = f"http://127.0.0.1:{port}"
            nodes.processes[name] = process
        for process in nodes.processes.values():
            await process.ready()
        await nodes.master()
        yield nodes


@dataclass
class Callers:
    """They store files at any node, follow where they are sent, and read what was stored from each node."""

    nodes: Nodes
    bearer: dict[str, str]
    stored: dict[UUID, tuple[str, FileAttributes]] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    reads: int = 0
    paused: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def calling(self, writers: int = 4) -> AsyncIterator["Callers"]:
        """Until this is left."""
        limits = httpx.Limits(max_connections=64)
        async with httpx.AsyncClient(headers=self.bearer, trust_env=False, timeout=5, limits=limits) as http:
            tasks = [asyncio.create_task(self._write(http)) for _ in range(writers)]
            tasks.append(asyncio.create_task(self._read(http)))
            try:
                yield self
            finally:
                for task in tasks:
                    task.cancel()
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes

    async def go_on(self, within_s: float = WRITES_GO_ON_WITHIN_S) -> float:
        """Return when a write that begins now or later has been answered; how long that took."""
        began = time.monotonic()
        before = len(self.moments)
        async with asyncio.timeout(within_s):
            while len(self.moments) < before + 8:  # noqa: ASYNC110 (it happens in other processes)
                await asyncio.sleep(0.01)
        return time.monotonic() - began

    async def _write(self, http: httpx.AsyncClient) -> None:
        while True:
            content, file_id = os.urandom(random.choice(SIZES)), new_file_id()
            while (file := await self._put(http, file_id, content)) is None:  # noqa: ASYNC110 (it happens in other processes)
                await asyncio.sleep(0.05)
            self.stored[file_id] = (hashlib.sha256(content).hexdigest(), file)
            self.moments.append(time.monotonic())

    async def _put(self, http: httpx.AsyncClient, file_id: UUID, content: bytes) -> FileAttributes | None:
        """Refused when it finds no master; that it is told twice is none of its business."""
        url = f"{random.choice(self._urls())}/api/v1/files/{file_id}"
        try:
            answer = await http.put(url, content=content, headers=PUT)
            if answer.status_code == 307:
                answer = await http.put(answer.headers["Location"], content=content, headers=PUT)
        except httpx.TransportError:
            return None
        assert answer.status_code in {200, 201, 307, 409, 503}, answer.text
        return FileAttributes.model_validate_json(answer.content) if answer.status_code < 300 else None

    async def _read(self, http: httpx.AsyncClient) -> None:
        """Every node that is not stopped serves at once what any of them has acknowledged."""
        while True:
            await asyncio.sleep(0.01)
            if not self.stored:
                continue
            file_id = next(reversed(self.stored)) if random.random() < 0.5 else random.choice(list(self.stored))
            sha256 = self.stored[file_id][0]
            for name, process in list(self.nodes.processes.items()):
                if name not in self.paused:
                    await self._read_one(http, name, process, file_id, sha256)

    async def _read_one(self, http: httpx.AsyncClient, name: str, process: Process, file_id: UUID, sha256: str) -> None:
        try:
            answer = await http.get(f"{process.url}/api/v1/files/{file_id}/content")
        except httpx.TransportError as error:
            if name in self.nodes.processes and name not in self.paused:
                self.unread.append(f"{name}: {error!r}")
            return
        if answer.status_code != 200 or hashlib.sha256(answer.content).hexdigest() != sha256:
            self.unread.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        self.reads += 1

    def _urls(self) -> list[str]:
        """A caller who was not answered once goes elsewhere: what hangs in a stopped node hangs until it goes on."""
        return [process.url for name, process in self.nodes.processes.items() if name not in self.paused]

    def check(self, found: Callable[[UUID], str]) -> None:
        """All that was acknowledged is there and was read all the time, and no two masters acknowledged at once."""
        assert self.unread == []
        assert self.reads > 8
        assert len(self.stored) >= 8
        stamps = sorted((file.element.lsn, file.element.epoch) for _, file in self.stored.values())
        assert len({lsn for lsn, _ in stamps}) == len(stamps)
        assert [epoch for _, epoch in stamps] == sorted(epoch for _, epoch in stamps)
        assert {file_id for file_id in self.stored if found(file_id) != self.stored[file_id][0]} == set()
