"""`./fleet down` and `./fleet reset`: stop the fleet; forget its data."""

import time

from tools.fleet import leftovers
from tools.fleet.errors import FleetError
from tools.fleet.layout import Layout
from tools.fleet.state import Record, RunState

STOP_WITHIN_S = 90


def down(layout: Layout) -> int:
    """Asks the supervisor, who stops everything in order; what a killed supervisor left is ended by us."""
    state = RunState(layout.run)
    if not layout.exists():
        print(f"no fleet runs in {layout.data}")
        return 0
    supervisor = state.supervisor()
    if supervisor:
        _stop_supervisor(supervisor)
    ended = leftovers.end(state, state.records())
    print("the fleet has stopped" if supervisor or ended else f"no fleet runs in {layout.data}")
    return 0


def reset(layout: Layout, *, sure: bool) -> int:
    if not sure and not _confirmed(layout):
        print("nothing was deleted")
        return 1
    down(layout)
    layout.delete()
    print(f"{layout.data} is gone; databases on a server of your own, if you named one, are left as they are")
    return 0


def _stop_supervisor(supervisor: Record) -> None:
    if process := supervisor.process:
        process.terminate()
    deadline = time.monotonic() + STOP_WITHIN_S
    while supervisor.process:
        if time.monotonic() > deadline:
            raise FleetError(f"the supervisor (process {supervisor.pid}) did not end within {STOP_WITHIN_S} s")
        time.sleep(0.05)


def _confirmed(layout: Layout) -> bool:
    print(f"This deletes every document, account and log in {layout.data}.")
    try:
        return input("Type yes to go on: ").strip() == "yes"
    except EOFError:
        return False
