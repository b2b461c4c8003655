"""What is measured: a real fleet with data of its own, peers beside it, and quiet before each measurement."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from bench.peers import Peer
from bench.quiet import settle
from tools.fleet.fleet import Fleet
from tools.fleet.interruption import Interruption
from tools.fleet.layout import Layout
from tools.fleet.ports import Ports, free_ports
from tools.fleet.secrets import DEMO_ACCOUNT

TOKEN_FRESH_S = 300
STOP_PEER_WITHIN_S = 5

type Tell = Callable[[str], None]


@dataclass
class Bed:
    """A running fleet. Peers live as long as the `stack`."""

    fleet: Fleet
    directory: Path
    tell: Tell
    stack: ExitStack
    quiet_within_s: float
    _peers: list[Peer] = field(default_factory=list)
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    def port(self, name: str) -> int:
        """Where a part of the fleet listens."""
        return urlsplit(self.fleet.url(name)).port or 80

    def headers(self, account: str = DEMO_ACCOUNT) -> dict[str, str]:
        """Proof of an account, by default of one that may do everything with files."""
        at, token = self._tokens.get(account, (-TOKEN_FRESH_S, ""))
        if time.monotonic() - at > TOKEN_FRESH_S:
            token = self._fresh_token(account)
            self._tokens[account] = time.monotonic(), token
        return {"Authorization": f"Bearer {token}"}

    def start_peer(self, build: Callable[[int, Path], Peer]) -> int:
        """Start a peer on a free port, with a directory of its own; the port."""
        port = free_ports(1)[0]
        directory = self.directory / f"peer-{port}"
        directory.mkdir(mode=0o711)
        peer = build(port, directory)
        peer.process.stop_within_s = STOP_PEER_WITHIN_S
        self._peers.append(peer)
        self.stack.callback(peer.process.stop)
        peer.start()
        return port

    def processes(self) -> Mapping[str, list[psutil.Process]]:
        """Every process of the fleet and of the peers, with its helpers, by the part that it belongs to."""
        parts = {name: part.process for name, part in self.fleet.parts.items()}
        parts |= {peer.process.name: peer.process for peer in self._peers}
        return {name: _with_helpers(process.pid) for name, process in parts.items() if process.alive and process.pid}

    def used_s(self, parts: Collection[str] = ()) -> float:
        """Processor seconds that the processes of these parts have used so far, or those of all."""
        total = 0.0
        for process in chain.from_iterable(own for part, own in self.processes().items() if not parts or part in parts):
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system
        return total

    def settle(self) -> None:
        """Wait until nothing of the fleet and its peers works any more."""
        if not settle(self.used_s, self.quiet_within_s) and self.quiet_within_s:
            self.tell(f"still busy after {self.quiet_within_s:.0f} s: the next figure suffers from it")

    def _fresh_token(self, account: str) -> str:
        client_id, secret = self.fleet.credentials(account)
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answer = httpx.post(f"{self.fleet.url('admin')}/api/v1/auth/token", data=form, timeout=30)
        return str(answer.raise_for_status().json()["access_token"])


@contextmanager
def open_bed(directory: Path, tell: Tell, quiet_within_s: float) -> Iterator[Bed]:
    """A fleet that is stopped at the end; its data stay, because deleting them would slow what is measured next."""
    interruption = Interruption()
    interruption.listen()
    directory.mkdir(mode=0o711)
    layout = Layout(directory / "fleet")
    fleet = Fleet(layout, Ports.free(), say=tell, pause=interruption.pause, only_own_servers=True)
    try:
        fleet.start()
        interruption.release()
        with ExitStack() as stack:
            yield Bed(fleet, directory, tell, stack, quiet_within_s)
    finally:
        interruption.listen()
        interruption.hold()
        fleet.stop()
        interruption.release()


def _with_helpers(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
