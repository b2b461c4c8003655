"""`python -m <service> serve | migrate | openapi`: the command of every service."""

import argparse
import gc
import json
import resource
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from signal import Signals
from types import FrameType
from typing import Protocol

import uvicorn

from artstore_kit.application import Application
from artstore_kit.connection import connections
from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.migrate import migrate
from artstore_kit.settings import PostgresSettings, ServiceSettings, load_or_exit
from artstore_kit.start import StartRefused

SWITCH_INTERVAL_S = 0.0005
"""How long a thread that comes back from the disk waits for the interpreter while the event loop is busy. Python's own
5 ms, waited after each of a file's seven system calls, would halve the small files that an element stores."""

COLLECT_AFTER = 20_000
"""So many more objects that may hold others call for a search for circles among the young ones. Of requests nearly
nothing is left that only the search would find; Python's own 700 would search through their objects while they live."""


class _WithDatabase(Protocol):
    postgres: PostgresSettings


@dataclass(frozen=True)
class Verb[S: ServiceSettings]:
    """What a service can do beside serving; `call` gives the sentence to be printed."""

    help: str
    call: Callable[[S], str]


def run[S: ServiceSettings](
    package: str,
    settings: type[S],
    create_app: Callable[[S], Application],
    example: Callable[[], S],
    more: Mapping[str, Verb[S]] | None = None,
) -> None:
    """Carry out the command line. `example` gives settings that are good enough to describe the API.

    `more` are verbs of the service's own.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {package}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="answer requests")
    commands.add_parser("openapi", help="print the OpenAPI document")
    if "postgres" in settings.model_fields:
        commands.add_parser("migrate", help="bring the database to the newest revision")
    for name, verb in (more or {}).items():
        commands.add_parser(name, help=verb.help)
    match parser.parse_args().command:
        case "openapi":
            json.dump(create_app(example()).openapi(), sys.stdout, indent=2, ensure_ascii=False, sort_keys=True)
            sys.stdout.write("\n")
        case "migrate":
            migrate(_database(load_or_exit(settings)), package)
        case "serve":
            loaded = load_or_exit(settings)
            serve(create_app(loaded), loaded)
        case other:
            _carry_out((more or {})[other], load_or_exit(settings))


def _carry_out[S: ServiceSettings](verb: Verb[S], settings: S) -> None:
    """What refuses a start refuses this too, in one sentence."""
    try:
        sys.stdout.write(f"{verb.call(settings)}\n")
    except (StartRefused, ArtStoreError) as error:
        sys.exit(str(error))


def serve(app: Application, settings: ServiceSettings) -> None:
    """Answer requests until SIGTERM or SIGINT; then finish what is under way and close in reverse order."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    config = uvicorn.Config(
        app,
        host=settings.server.host,
        port=settings.server.port,
        loop="uvloop",
        http=connections(),  # type: ignore[arg-type]  # called like a class
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.server.keep_alive_s,
        timeout_graceful_shutdown=settings.server.drain_s,
    )
    _take_all_descriptors()
    server = _Server(config, app)
    server.run()
    if not server.started:
        sys.exit(3)


def _take_all_descriptors() -> None:
    """The usual soft limit of 1,024 open files is a limit on connections that nobody chose."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class _Server(uvicorn.Server):
    """Tells the application that stopping begins, so that long polls end before connections are waited for.

    What the application was composed of stays: it is not searched for circles again and again.
    """

    def __init__(self, config: uvicorn.Config, app: Application) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Called when the application is composed; requests come from here on."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called on the signal, on the loop's thread."""
        self._app.state.stopping.set()
        super().handle_exit(Signals(sig), frame)


def _database(settings: ServiceSettings) -> PostgresSettings:
    block: PostgresSettings = settings.postgres  # type: ignore[attr-defined]
    return block
