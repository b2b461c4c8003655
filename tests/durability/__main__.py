"""`python -m tests.durability`: all parts of the proof side by side, or one; the last line tells what was tried."""

import argparse
import logging
import sys
import traceback
from importlib import import_module

import structlog

from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.start import StartRefused
from tests.durability.everything import everything
from tests.durability.part import PARTS, Order, Outcome
from tests.durability.verdict import LOST, Wrong


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
        outcome = _only(order) if given.only else everything(order, mutants=given.mutants)
        sys.stdout.write(outcome.line() + "\n")
    return 0 if outcome.is_good else 1


def _only(order: Order) -> Outcome:
    """What a failure has told, once more."""
    part = order.only.split("/")[0]
    if part not in PARTS:
        raise SystemExit(f"there is no part {part}; there are: {', '.join(PARTS)}")
    outcome = one(part, order)
    if not outcome.counts.total():
        raise SystemExit(f"there is no point {order.only}")
    return outcome


def one(part: str, order: Order) -> Outcome:
    """One part of the proof, in this process."""
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    module = import_module(f"tests.durability.{part}_part")
    outcome = Outcome()
    try:
        outcome = module.run(order)
    except (ArtStoreError, StartRefused, OSError, AssertionError, ValueError, RuntimeError) as error:
        traceback.print_exc()
        outcome.found(order.only or part, [Wrong(LOST, f"{part} came to no end: {error!r}")])
    if outcome.wrong:
        sys.stderr.write(outcome.report(order.seed) + "\n")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
