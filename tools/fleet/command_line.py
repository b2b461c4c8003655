"""What `./fleet` understands: each subcommand, its options, one example, and the function that does it."""

import argparse
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.fleet import develop, suite
from tools.fleet.down import down, reset
from tools.fleet.layout import DEFAULT_DATA, Layout
from tools.fleet.logs import logs
from tools.fleet.migrate import migrate
from tools.fleet.ports import Ports
from tools.fleet.status import status
from tools.fleet.up import Up, detach

DEFAULT_PORT_BASE = 8000
WATCH = "./fleet witness kept.jsonl --log https://store.example"
EPILOG = """\
With ARTSTORE_POSTGRES_URL or ARTSTORE_REDIS_URL in the environment the fleet uses your server instead of its own
(the PostgreSQL user must be allowed to create roles and databases).

Start here:   ./fleet up        or, to see everything once:   ./fleet demo
"""

type Run = Callable[[Namespace], int]


def parse(arguments: Sequence[str]) -> Namespace:
    """`options.run(options)` does what was asked; what `test` and `bench` do not know goes on to pytest and bench."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command not in {"test", "bench"}:
        parser.error(f"{options.command} does not know {' '.join(rest)}; see ./fleet {options.command} --help")
    options.rest = rest
    return options


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="./fleet",
        description="Runs ArtStore on this machine: PostgreSQL, Redis and all services, from one command.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = _Adder(commands)
    _add_running(add)
    _add_watching(add)
    _add_development(add)
    return parser


class _Adder:
    def __init__(self, commands: "argparse._SubParsersAction[ArgumentParser]") -> None:
        self._commands = commands

    def __call__(self, name: str, does: str, run: Run, example: str, *, data: bool = False) -> ArgumentParser:
        command = self._commands.add_parser(
            name,
            help=does,
            description=f"{does[0].upper()}{does[1:]}.",
            epilog=f"Example: {example}",
            allow_abbrev=False,
        )
        command.set_defaults(run=run)
        if data:
            command.add_argument(
                "--data",
                type=_layout,
                default=Layout(DEFAULT_DATA),
                metavar="DIR",
                help="where documents, databases, secrets and logs lie (default: .fleet beside this program)",
            )
        return command


def _add_running(add: _Adder) -> None:
    up = add(
        "up", "start everything and wait until it is ready", _up, "./fleet up --detach --port-base 9000", data=True
    )
    up.add_argument("--detach", action="store_true", help="run in the background; ./fleet down stops it")
    up.add_argument(
        "--port-base",
        type=int,
        default=DEFAULT_PORT_BASE,
        metavar="N",
        help="admin listens on N, elements on N+10 and N+11, ingester N+20, query N+30, PostgreSQL N+32, Redis N+79 "
        "(default: %(default)s)",
    )
    up.add_argument("--background", action="store_true", help=argparse.SUPPRESS)
    add("down", "stop a fleet that runs in the background", lambda o: down(o.data), "./fleet down", data=True)
    forget = add("reset", "delete all data, after asking", _reset, "./fleet reset --yes", data=True)
    forget.add_argument("--yes", action="store_true", help="do not ask")
    add(
        "migrate", "bring all databases to the newest revision", lambda o: migrate(o.data), "./fleet migrate", data=True
    )


def _add_watching(add: _Adder) -> None:
    add(
        "status",
        "show what runs; exit code 0 when all is ready, 1 when something is not, 3 when nothing runs",
        lambda o: status(o.data),
        "./fleet status",
        data=True,
    )
    show = add("logs", "show the logs, of all or of one", _logs, "./fleet logs edit-1 -f", data=True)
    show.add_argument("name", nargs="?", metavar="NAME", help="admin, edit-1, rw-1, ingester, query, postgres, redis")
    show.add_argument("-f", "--follow", action="store_true", help="go on showing what is added")
    show_off = add(
        "demo",
        "upload real files, search, download all again and compare every sha256",
        _demo,
        "./fleet demo ~/Documents report.pdf",
        data=True,
    )
    show_off.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="files and folders (default: this repository)"
    )

    keep = add("witness", "keep checkpoints of the audit log; exit code 1 when it is not what it was", _witness, WATCH)
    keep.add_argument("file", type=Path, metavar="FILE", help="where they are kept: on another machine is best")
    keep.add_argument("--log", default=f"http://127.0.0.1:{DEFAULT_PORT_BASE}", metavar="URL", help="the admin module")
    keep.add_argument("--every-s", type=float, default=60, metavar="N", help="seconds (default: %(default)s)")
    keep.add_argument("--once", action="store_true", help="look once")


def _add_development(add: _Adder) -> None:
    add("check", "ruff, mypy --strict, import-linter and the house rules", lambda _: develop.check(), "./fleet check")
    test = add("test", "all tests; ARGS go to pytest", _test, "./fleet test storage-element -k journal")
    test.add_argument(
        "--coverage", action="store_true", help="also measure what is not run; takes twice the processor time"
    )
    test.usage = "./fleet test [-h] [--coverage] [ARGS ...]"
    bench = add("bench", "measure; ARGS go to python -m bench", lambda o: develop.bench(o.rest), "./fleet bench")
    bench.usage = "./fleet bench [-h] [ARGS ...]"
    prove = add(
        "durability",
        "the proof that nothing is lost: kills, power cuts, errors, damage, histories; exit code 0 when it holds",
        _durability,
        "./fleet durability --seed 7 --mutants",
    )
    prove.add_argument("--long", action="store_true", help="a million power cuts; takes hours")
    prove.add_argument("--mutants", action="store_true", help="also break the element in many ways: each must be found")
    prove.add_argument("--seed", type=int, default=1, metavar="N", help="chooses samples (default: %(default)s)")
    prove.add_argument("--only", default="", metavar="POINT", help="one point, as a failure has told it")
    add("openapi", "write each service's openapi.json anew", lambda _: develop.openapi(), "./fleet openapi")


def _layout(text: str) -> Layout:
    return Layout(Path(text).expanduser().resolve())


def _up(options: Namespace) -> int:
    up = Up(options.data, Ports.from_base(options.port_base), in_background=options.background)
    if not options.detach:
        return up.run()
    same = ["up", "--background", "--data", str(options.data.data), "--port-base", str(options.port_base)]
    return detach(options.data, [sys.executable, "-m", "tools.fleet", *same])


def _reset(options: Namespace) -> int:
    return reset(options.data, sure=options.yes)


def _logs(options: Namespace) -> int:
    return logs(options.data, options.name, follow=options.follow)


def _demo(options: Namespace) -> int:
    from tools.fleet.demo.run import run  # noqa: PLC0415 - the SDK takes longer to import than `up` to look around

    return run(options.data, options.paths)


def _witness(options: Namespace) -> int:
    from tools.fleet.witness import witness  # noqa: PLC0415 - what checks signatures is not there before the first start

    return witness(options.log, options.file, options.every_s, once=options.once)


def _durability(options: Namespace) -> int:
    flags = [f"--{name}" for name in ("long", "mutants") if getattr(options, name)]
    return develop.durability([*flags, "--seed", str(options.seed), "--only", options.only])


def _test(options: Namespace) -> int:
    return suite.test(options.rest, coverage=options.coverage)
