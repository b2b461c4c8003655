"""An element with two nodes: documents go in and out through the fleet while its master is killed."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from artstore import ArtStore
from artstore_kit.testing.application import free_port
from artstore_kit.testing.patience import eventually
from tests.fleet.elements import nothing_is_staged
from tests.fleet.traffic import going_on
from tools.fleet.fleet import Fleet

ELEMENT = "edit-1"
NAMES = ("a", "b")


@contextmanager
def two_nodes(fleet: Fleet, directory: Path) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """In the place of the one process that serves the element otherwise."""
    fleet.stop_one(ELEMENT)
    nodes = {name: _started(fleet, name, directory / f"node-{name}.log") for name in NAMES}
    try:
        yield nodes
    finally:
        for node in nodes.values():
            node.kill()
            node.wait()
        fleet.start_one(ELEMENT)


def _started(fleet: Fleet, name: str, log: Path) -> "subprocess.Popen[bytes]":
    service, port = fleet.service(ELEMENT), free_port()
    own = {
        "ARTSTORE_SERVER__PORT": str(port),
        "ARTSTORE_ELEMENT__URL": f"http://127.0.0.1:{port}",
        "ARTSTORE_NODE__ID": name,
        "ARTSTORE_NODE__LEASE_S": "1.5",
        "ARTSTORE_AUDIT__SPOOL_DIR": str(fleet.layout.audit(f"{ELEMENT}-{name}")),
    }
    with log.open("wb") as output:
        return subprocess.Popen(
            service.command("serve"), env={**service.environment, **own}, stdout=output, stderr=subprocess.STDOUT
        )


def master(fleet: Fleet) -> str:
    """The node that takes writes now; empty while there is none."""
    for path in (fleet.layout.element(ELEMENT) / "staging").glob("*/master.json"):
        mark = json.loads(path.read_bytes())
        if mark["is_ready"] and path.parent.name == str(mark["epoch"]):
            return str(mark["node_id"])
    return ""


async def test_the_master_of_an_element_is_killed_while_documents_go_in_and_out(
    fleet: Fleet, store: ArtStore, tmp_path: Path
) -> None:
    async with going_on(store) as traffic:
        with two_nodes(fleet, tmp_path) as nodes:
            await traffic.has_gone_on()
            nodes[first := master(fleet)].kill()
            await traffic.has_gone_on()

            async def another_leads() -> bool:
                return master(fleet) not in {"", first}

            await eventually(another_leads, within_s=10)
            await asyncio.to_thread(nodes[first].wait)
    await nothing_is_staged(fleet)
