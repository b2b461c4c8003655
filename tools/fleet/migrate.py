"""`./fleet migrate`: all databases to the newest revision, beside a running fleet or without one."""

from tools.fleet.fleet import Fleet
from tools.fleet.layout import Layout
from tools.fleet.ports import Ports
from tools.fleet.state import RunState


def migrate(layout: Layout) -> int:
    layout.prepare()
    state = RunState(layout.run)
    running = state.ports() if state.supervisor() else None
    if running:
        Fleet(layout, running, say=print).prepare_databases(always=True)
        return 0
    with state.claim():
        fleet = Fleet(layout, Ports.free(), say=print)
        try:
            fleet.start_servers()
            fleet.prepare_databases(always=True)
        finally:
            fleet.stop()
    return 0
