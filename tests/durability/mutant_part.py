"""Do the tests test? Breaks a copy of the element in one place at a time, and sees whether the proof notices."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import storage_element
from tests.durability import everything
from tests.durability.mutants import MUTANTS, Mutant
from tests.durability.part import Order, Outcome, say
from tests.durability.shelf import place
from tests.durability.verdict import LOST, Wrong

PACKAGE = Path(storage_element.__file__).parent
PATIENCE_S = 600
FAILED = 1
"""How pytest ends when a test has failed."""


def run(order: Order) -> Outcome:
    """Every mutant; and none at all, which nothing may notice."""
    outcome = Outcome()
    only = order.only.split("/")[1:]
    if not only:
        _nothing_is_noticed_without(order, outcome)
    for number, mutant in enumerate(MUTANTS):
        if order.mine(number) and only in ([], [mutant.name]):
            outcome.counts["mutants"] += 1
            caught = any(_notices(probe, mutant, order.seed) for probe in mutant.probes)
            outcome.counts["caught"] += caught
            say(f"mutant {'caught' if caught else 'SURVIVED'}: {mutant.name}")
    return outcome


def _nothing_is_noticed_without(order: Order, outcome: Outcome) -> None:
    probes = sorted({probe for mutant in MUTANTS for probe in mutant.probes})
    for number, probe in enumerate(probes):
        if order.mine(number) and _notices(probe, None, order.seed):
            outcome.found("mutant", [Wrong(LOST, f"{probe} fails without any mutant")])


def _notices(probe: str, mutant: Mutant | None, seed: int) -> bool:
    """Whether a part of the proof fails. `RuntimeError` when it does not even begin."""
    with place() as directory:
        shutil.copytree(PACKAGE, directory / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not None:
            apply(mutant, directory / PACKAGE.name)
        paths = {"PYTHONPATH": os.pathsep.join([str(directory), everything.environment()["PYTHONPATH"]])}
        command = _command(probe, seed)
        try:
            ended = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                env=everything.environment() | paths,
                timeout=PATIENCE_S,
            )
        except subprocess.TimeoutExpired:
            return True
    if "pytest" in command:
        return ended.returncode == FAILED
    if not ended.stdout:
        raise RuntimeError(f"{mutant and mutant.name}: {ended.stderr[-2000:]}")
    return bool(Outcome.of_json(ended.stdout.splitlines()[-1]).wrong)


def _command(probe: str, seed: int) -> list[str]:
    """A part of the proof, or of it one operation; or the element's own tests."""
    part, _, rest = probe.partition("/")
    if part == "test":
        path = everything.ROOT / "storage-element/tests" / rest
        return [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(path)]
    command = [sys.executable, "-m", "tests.durability", part, "--seed", str(seed)]
    return [*command, "--only", probe] if rest else command


def apply(mutant: Mutant, package: Path) -> None:
    """Raises when the text is not there exactly once: the source has changed, and the mutant has to follow."""
    path = package / mutant.path
    text = path.read_text()
    if text.count(mutant.old) != 1:
        raise RuntimeError(f"{mutant.name}: {mutant.path} holds {text.count(mutant.old)} times {mutant.old!r}")
    path.write_text(text.replace(mutant.old, mutant.new))
