"""Which port each part listens on, and whether it is free."""

import random
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Self

import psutil

from tools.fleet.errors import FleetError

HOST = "127.0.0.1"
HIGHEST_OFFSET = 79
# Below Linux's ephemeral range, so that an outgoing connection of another process cannot take one meanwhile.
FREE_PORTS = range(18000, 32000)


@dataclass(frozen=True)
class Ports:
    admin: int
    edit_1: int
    rw_1: int
    ingester: int
    query: int
    postgres: int
    redis: int

    @classmethod
    def from_base(cls, base: int) -> Self:
        if not 1 <= base <= 65535 - HIGHEST_OFFSET:
            raise FleetError(f"--port-base must lie between 1 and {65535 - HIGHEST_OFFSET}, not {base}")
        return cls(
            admin=base,
            edit_1=base + 10,
            rw_1=base + 11,
            ingester=base + 20,
            query=base + 30,
            postgres=base + 32,
            redis=base + HIGHEST_OFFSET,
        )

    @classmethod
    def free(cls) -> Self:
        return cls(*free_ports(7))


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; all different."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(FREE_PORTS)  # noqa: S311 - no secret
        if port not in found and is_free(port):
            found.append(port)
    return found


def is_free(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def holder(port: int) -> str:
    """Who listens on a port, in words for a message; others' processes may be hidden from an ordinary user."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr[1] == port and connection.status == psutil.CONN_LISTEN:
                return _describe(connection.pid)
    except psutil.Error:
        pass
    return "a process that cannot be seen from here"


def _describe(pid: int | None) -> str:
    if pid is None:
        return "a process of another user"
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        command = "?"
    return f"process {pid} ({command[:100]})"


def refuse_taken(wanted: Mapping[str, int]) -> None:
    """One message for all ports that are taken, before anything is started."""
    taken = {name: port for name, port in wanted.items() if not is_free(port)}
    if not taken:
        return
    lines = [f"port {port}, wanted for {name}, is held by {holder(port)}" for name, port in taken.items()]
    raise FleetError("\n".join([*lines, "End what holds it, or start on other ports with --port-base N."]))
