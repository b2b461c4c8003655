"""The demonstration against the fleet that runs, or one of its own that is gone afterwards."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from artstore import ArtStore, ArtStoreError
from tools.fleet.demo import report
from tools.fleet.demo.documents import Document, documents_of
from tools.fleet.demo.journey import Journey, Outcome
from tools.fleet.errors import FleetError
from tools.fleet.fleet import Fleet
from tools.fleet.interruption import Interruption
from tools.fleet.layout import Layout
from tools.fleet.secrets import DEMO_ACCOUNT
from tools.fleet.state import RunState
from tools.fleet.up import say


def run(layout: Layout, paths: Sequence[Path]) -> int:
    documents = documents_of(paths)
    say(f"{len(documents)} documents, {sum(document.size_bytes for document in documents):,} bytes")
    with _fleet(layout) as fleet:
        try:
            outcome = asyncio.run(_journey(fleet, documents))
        except ArtStoreError as error:
            raise FleetError(f"the fleet refused: {error}") from error
    print(report.text(outcome))
    return 1 if outcome.differences else 0


@contextmanager
def _fleet(layout: Layout) -> Iterator[Fleet]:
    state = RunState(layout.run)
    ports = state.ports() if state.supervisor() else None
    if ports:
        yield Fleet(layout, ports)
    else:
        with _own(layout) as fleet:
            yield fleet


@contextmanager
def _own(layout: Layout) -> Iterator[Fleet]:
    """On free ports and with data of its own, so that it neither needs nor touches what a fleet has kept here."""
    say("no fleet runs here: starting one for this demonstration")
    beneath = layout.data / "demo"
    beneath.mkdir(exist_ok=True, parents=True, mode=0o711)
    interruption = Interruption()
    interruption.listen()
    with Fleet.temporary(beneath, say=say, pause=interruption.pause) as fleet:
        try:
            fleet.start()
            interruption.release()
            yield fleet
        finally:
            interruption.listen()
            interruption.hold()
            say("stopping it")


async def _journey(fleet: Fleet, documents: Sequence[Document]) -> Outcome:
    client_id, client_secret = fleet.credentials(DEMO_ACCOUNT)
    async with ArtStore.connect(fleet.url("admin"), client_id=client_id, client_secret=client_secret) as store:
        with report.progress(len(documents)) as advance:
            return await Journey(store, documents, advance).run()
