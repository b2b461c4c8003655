"""Databases made and brought to the newest revision, side by side; left alone when nothing changed."""

import hashlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from tools.fleet.databases import PostgresCluster
from tools.fleet.process import Process
from tools.fleet.services import Service

type Pause = Callable[[float], None]


def fingerprint(package: str) -> str:
    """Of the service's revisions; kept in the database itself, so that it is lost with it."""
    spec = find_spec(package)
    digest = hashlib.sha256()
    for place in (spec.submodule_search_locations if spec else None) or []:
        for path in sorted(Path(place, "migrations").rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return f"revisions {digest.hexdigest()}"


def migrate(
    cluster: PostgresCluster, services: Sequence[Service], log: Path, pause: Pause, *, always: bool = False
) -> list[str]:
    """Gives the names of the services whose databases were migrated."""
    due = [service for service in services if service.database and (always or not _is_current(cluster, service))]
    running = [_process(service, log.with_name(f"migrate-{service.name}.log"), pause) for service in due]
    try:
        for process in running:
            process.start()
        for service, process in zip(due, running, strict=True):
            process.wait_for_success()
            cluster.set_note(str(service.database), fingerprint(service.package))
    finally:
        for process in running:
            process.kill()
    return [service.name for service in due]


def _is_current(cluster: PostgresCluster, service: Service) -> bool:
    return cluster.note(str(service.database)) == fingerprint(service.package)


def _process(service: Service, log: Path, pause: Pause) -> Process:
    name = f"the migration of {service.name}"
    return Process(name, service.command("migrate"), log, service.environment, pause=pause)
