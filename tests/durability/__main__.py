"""`python -m tests.durability`: all parts of the proof side by side, or one; the last line tells what was tried."""

import argparse
import sys
from importlib import import_module

from artstore_kit.logs import start_logging
from artstore_kit.settings import LogSettings
from tests.durability.everything import everything
from tests.durability.part import PARTS, Order, Outcome


def main() -> int:
    """Carry out the command line; 0 when every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.durability", description=__doc__)
    parser.add_argument("part", nargs="?", default="", choices=("", *PARTS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--share", default="0/1")
    given = parser.parse_args()
    share, shares = map(int, given.share.split("/"))
    order = Order(given.seed, given.long, given.only, share, shares)
    if given.part:
        outcome = one(given.part, order)
        sys.stdout.write(outcome.to_json() + "\n")
    else:
        outcome = one(given.only.split("/")[0], order) if given.only else everything(order, mutants=given.mutants)
        sys.stdout.write(outcome.line() + "\n")
    return 0 if outcome.is_good else 1


def one(part: str, order: Order) -> Outcome:
    """One part of the proof, in this process."""
    start_logging("storage-element", LogSettings(level="ERROR"))
    outcome: Outcome = import_module(f"tests.durability.{part}_part").run(order)
    if outcome.wrong:
        sys.stderr.write(outcome.report(order.seed) + "\n")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
