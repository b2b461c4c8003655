"""Whether the disk can take what a benchmark writes: nothing is deleted before everything is measured."""

import shutil
from pathlib import Path

from bench.plan import MIB, Plan

LEFT_FREE_BYTES = 4 * 1024 * MIB


class NoRoom(Exception):
    """The disk is too full for this benchmark."""


def must_have(directory: Path, name: str, plan: Plan, written_bytes: int) -> None:
    """`NoRoom` when a benchmark that writes so much would fill the disk of `directory`."""
    needed = written_bytes + LEFT_FREE_BYTES
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise NoRoom(
            f"{name} with {plan.runs} runs needs {needed // MIB} MiB on the disk of {directory}, which has "
            f"{free // MIB} MiB; give --quick, fewer --runs, or another disk with --data"
        )
