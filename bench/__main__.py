"""`./fleet bench`: measures, shows a table, and writes JSON when asked."""

import argparse
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from bench import element, identity, large_files, machine, memory, report, search, small_files
from bench.bed import Bed, Tell, open_bed
from bench.figures import Result
from bench.jobs import LoadFailed
from bench.peaks import Unmeasurable
from bench.plan import Plan, plan_of
from bench.room import NoRoom
from tools.fleet.directories import open_directory
from tools.fleet.errors import FleetError
from tools.fleet.interruption import StopAsked
from tools.fleet.layout import DEFAULT_DATA

BENCHMARKS: Mapping[str, Callable[[Bed, Plan], Result]] = {
    small_files.NAME: small_files.run,
    element.NAME: element.run,
    large_files.NAME: large_files.run,
    memory.NAME: memory.run,
    search.NAME: search.run,
    identity.NAME: identity.run,
}
INTERRUPTED = 130
FILE_WIDTH = 140
"""Characters a line where there is no terminal."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 also when an aim was missed, unless with --strict; 1 when something could not be measured."""
    options = _parse(arguments)
    plan = plan_of(quick=options.quick, runs=options.runs, curve=options.curve)
    try:
        results = _measure(options, plan)
    except (StopAsked, KeyboardInterrupt):
        return INTERRUPTED
    missed = [judged for result in results for judged in result.judged() if not judged.met]
    return 1 if any(result.failure for result in results) or (options.strict and missed) else 0


def _measure(options: Namespace, plan: Plan) -> list[Result]:
    """Nothing is deleted before everything is measured and shown: a file system is slow for long after that."""
    options.data.mkdir(parents=True, exist_ok=True, mode=0o711)
    with open_directory(options.data) as directory, _telling() as tell:
        facts = machine.facts(directory)
        results = [_one(name, directory, plan, tell) for name in options.names or BENCHMARKS]
        report.show(Console(width=None if sys.stdout.isatty() else FILE_WIDTH), plan, facts, results)
        if options.out:
            report.write(options.out, plan, facts, results)
    return results


def _one(name: str, directory: Path, plan: Plan, tell: Tell) -> Result:
    try:
        with open_bed(directory / name, lambda text: tell(f"{name}: {text}"), plan.quiet_within_s) as bed:
            return BENCHMARKS[name](bed, plan)
    except (FleetError, LoadFailed, Unmeasurable, NoRoom) as error:
        return Result(name, failure=str(error))


@contextmanager
def _telling() -> Iterator[Tell]:
    """One line that changes, on a terminal; elsewhere a line for each step."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True)
        return
    with console.status("starting") as status:
        yield status.update


def _parse(arguments: Sequence[str]) -> Namespace:
    parser = argparse.ArgumentParser(
        prog="./fleet bench",
        description="Measures limits of this machine, simpler designs and ArtStore in turn, round after round.",
        epilog="Example: python -m bench small-files --quick --runs 1",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(BENCHMARKS)} (default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="small and short: shows that it works, measures nothing")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="rounds (default: %(default)s)")
    parser.add_argument(
        "--curve",
        action="store_true",
        help="element: also with up to 1,000,000 files on it; 20 minutes and 20 GiB more",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write everything to this file, as JSON")
    parser.add_argument(
        "--data",
        type=lambda text: Path(text).resolve(),
        default=DEFAULT_DATA / "bench",
        metavar="DIR",
        help="a directory on the disk that is to be measured (default: .fleet/bench)",
    )
    parser.add_argument("--strict", action="store_true", help="exit code 1 when an aim is missed")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(BENCHMARKS)):
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
