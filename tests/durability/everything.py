"""All parts of the proof, each in processes of its own, as many at a time as there are processors."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.durability.part import PARTS, Order, Outcome, say

ROOT = Path(__file__).parents[2]
SHARES = {"power": 2, "kill": 2, "mutant": 2}
"""Into how many processes a part is divided; 1 when it is not named."""

PATIENCE_S = 1800
"""No part takes so long (mutants and `--long` aside) unless it hangs."""


def everything(order: Order, *, mutants: bool) -> Outcome:
    """What all of them found together."""
    began = time.monotonic()
    parts = [part for part in PARTS if mutants or part != "mutant"]
    jobs = [(part, share, SHARES.get(part, 1)) for part in parts for share in range(SHARES.get(part, 1))]
    outcome = Outcome()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for found in pool.map(lambda job: one_process(order, *job), jobs):
            outcome.add(found)
    say(f"seed {order.seed}, {time.monotonic() - began:.0f} s")
    return outcome


def one_process(order: Order, part: str, share: int, shares: int) -> Outcome:
    """What one process finds; its progress goes to our standard error.

    `RuntimeError` when it ends without a word, `TimeoutExpired` when it does not end.
    """
    command = [sys.executable, "-m", "tests.durability", part, *_arguments(order), "--share", f"{share}/{shares}"]
    patience_s = None if order.long or part == "mutant" else PATIENCE_S
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=False, env=environment(), timeout=patience_s
    )
    if not ended.stdout:
        raise RuntimeError(f"{part}: ended with {ended.returncode}")
    return Outcome.of_json(ended.stdout.splitlines()[-1])


def _arguments(order: Order) -> Sequence[str]:
    return ["--seed", str(order.seed), *(["--long"] if order.long else [])]


def environment() -> dict[str, str]:
    """Coverage is not measured: it would make every crash state three times as dear."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "storage-element/tests/shared")))}
