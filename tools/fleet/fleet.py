"""A whole fleet or a part of it, on this machine: started, killed, restarted and stopped by name."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tools.fleet import leftovers
from tools.fleet.directories import open_directory
from tools.fleet.layout import Layout
from tools.fleet.migrations import migrate
from tools.fleet.parts import Part, ServicePart
from tools.fleet.ports import Ports, refuse_taken
from tools.fleet.process import stop_together
from tools.fleet.secrets import Secrets
from tools.fleet.servers import Servers
from tools.fleet.services import NAMES, STAGES, Describer, Service
from tools.fleet.state import Record, RunState

type Extra = Mapping[str, Mapping[str, str]]


def silent(_: str) -> None:
    """For callers that want no progress."""


class Fleet:
    """Parts are named postgres, redis, admin, edit-1, rw-1, ingester, query; a server that is yours is no part.

    `extra` adds environment variables to single services: {"edit-1": {"ARTSTORE_LOG__LEVEL": "DEBUG"}}.
    `pause` is how it waits; the launcher's own ends the waiting when the user wants to stop.
    """

    def __init__(
        self,
        layout: Layout,
        ports: Ports,
        *,
        say: Callable[[str], None] = silent,
        pause: Callable[[float], None] = time.sleep,
        extra: Extra | None = None,
        only_own_servers: bool = False,
    ) -> None:
        layout.prepare()
        self.layout = layout
        self.ports = ports
        self.secrets = Secrets(layout.secrets)
        self.servers = Servers.of(layout, ports, self.secrets, only_own=only_own_servers)
        self.state = RunState(layout.run)
        self._say = say
        self._pause = pause
        self._describe = Describer(layout, ports, self.servers, self.secrets, extra or {})
        self.parts: dict[str, Part] = {part.process.name: part for part in self.servers.own()}
        self.parts |= {name: ServicePart(name, self._describe, layout.log(name)) for name in NAMES}
        for part in self.parts.values():
            part.process.pause = pause

    @classmethod
    @contextmanager
    def temporary(
        cls,
        beneath: Path | None = None,
        *,
        say: Callable[[str], None] = silent,
        pause: Callable[[float], None] = time.sleep,
        extra: Extra | None = None,
    ) -> Iterator[Self]:
        """On free ports with data of its own, not yet started; at the end it is stopped and deleted."""
        with open_directory(beneath) as directory:
            layout = Layout(directory)
            fleet = cls(layout, Ports.free(), say=say, pause=pause, extra=extra, only_own_servers=True)
            try:
                yield fleet
            finally:
                fleet.stop()

    def service(self, name: str) -> Service:
        return self._describe.service(name)

    def url(self, name: str) -> str:
        """The address of a service: fleet.url("ingester")."""
        return self.service(name).url

    def credentials(self, client_id: str) -> tuple[str, str]:
        """Name and secret of one of the service accounts of secrets.ACCOUNTS."""
        return client_id, self.secrets.value(client_id)

    def start(self) -> None:
        """Everything, in order; what does not depend on each other side by side."""
        if ended := leftovers.end(self.state, self.state.records()):
            self._say(f"ended what a former start had left behind: {', '.join(ended)}")
        refuse_taken({name: self._port(name) for name in self.parts})
        self.state.write_ports(self.ports)
        self.start_servers()
        self.prepare_databases()
        for stage in STAGES:
            self.start_parts(stage)

    def start_servers(self) -> None:
        self.start_parts(part.process.name for part in self.servers.own())

    def prepare_databases(self, *, always: bool = False) -> None:
        """Databases, roles and the newest revisions; `always` also where nothing seems to have changed."""
        services = [service for service in map(self.service, NAMES) if service.database]
        for service in services:
            password = self._describe.password(str(service.database)).read_text()
            self.servers.cluster.ensure_service(str(service.database), password)
        began = time.monotonic()
        log = self.layout.log("migrations")
        if migrated := migrate(self.servers.cluster, services, log, self._pause, always=always):
            self._say(f"migrated {', '.join(migrated)} ({time.monotonic() - began:.1f} s)")

    def start_parts(self, names: Iterable[str]) -> None:
        """Side by side; returns when all are ready."""
        began = time.monotonic()
        started = list(names)
        for name in started:
            self.launch(name)
        for name in started:
            self.parts[name].wait()
            self._remember(name)
            self._say(f"{name} is ready ({time.monotonic() - began:.1f} s)")

    def launch(self, name: str) -> None:
        """Starts one part and does not wait."""
        self.parts[name].launch()
        self._remember(name)

    def start_one(self, name: str) -> None:
        """Starts one part and waits until it is ready."""
        self.start_parts([name])

    def stop_one(self, name: str) -> None:
        """Asks one part to stop and waits; others go on."""
        self.parts[name].process.stop()
        self.state.remove(name)

    def restart(self, name: str) -> None:
        self.stop_one(name)
        self.start_one(name)

    def kill(self, name: str) -> None:
        """kill -9, helpers and all; `start_one` brings it back."""
        self.parts[name].process.kill()
        self.state.remove(name)

    def dead(self) -> list[str]:
        """Parts that were started and ended by themselves."""
        return [name for name, part in self.parts.items() if part.process.exit_code is not None]

    def stop(self) -> None:
        """Everything, in the reverse order of its start; bounded, and nothing is left behind."""
        for stage in (*reversed(STAGES), [part.process.name for part in self.servers.own()]):
            alive = [name for name in stage if self.parts[name].process.alive]
            stop_together([self.parts[name].process for name in stage])
            for name in stage:
                self.state.remove(name)
            if alive:
                self._say(f"stopped {', '.join(alive)}")

    def _remember(self, name: str) -> None:
        process = self.parts[name].process
        assert process.pid is not None
        self.state.write(Record.of(name, process.pid, process.stop_signal))

    def _port(self, name: str) -> int:
        own = {"postgres": self.ports.postgres, "redis": self.ports.redis}
        return own[name] if name in own else self.service(name).port
