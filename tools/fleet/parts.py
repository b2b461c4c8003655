"""One thing that the launcher starts, waits for and stops: a server or a service."""

from pathlib import Path
from typing import Protocol

from tools.fleet import health
from tools.fleet.process import Process
from tools.fleet.services import Describer


class Part(Protocol):
    """`launch` does not wait, so that several can start side by side."""

    process: Process

    def launch(self) -> None: ...

    def wait(self) -> None: ...


class ServicePart:
    """One of ArtStore's services as a process of its own."""

    def __init__(self, name: str, describe: Describer, log: Path) -> None:
        self._describe = describe
        self.process = Process(name, (), log)

    def launch(self) -> None:
        service = self._describe.service(self.process.name)
        self.process.command = service.command("serve")
        self.process.environment = service.environment
        self.process.start()

    def wait(self) -> None:
        port = self._describe.service(self.process.name).port
        self.process.wait_until(lambda: health.ask(port).ready)
