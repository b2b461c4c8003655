"""What every part of the proof is asked, and what it answers."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.durability.verdict import HALF_VISIBLE, Wrong

PARTS = ("power", "kill", "bucket", "error", "damage", "history", "rules", "mutant")
COUNTED = ("kill_points", "crash_states", "errors", "damage", "histories")
MOST_TOLD = 20


@dataclass(frozen=True)
class Order:
    """`seed` chooses samples; `long` goes through far more; `only` names one point, as a failure has told it.

    Of `shares` processes that share the work this is number `share`.
    """

    seed: int = 1
    long: bool = False
    only: str = ""
    share: int = 0
    shares: int = 1

    def mine(self, number: int) -> bool:
        """Whether piece `number` of the work is this process's."""
        return number % self.shares == self.share


@dataclass
class Outcome:
    """How much was tried, and what was wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, Wrong]] = field(default_factory=list)

    def found(self, point: str, wrong: Iterable[Wrong]) -> None:
        """At this point these promises were not kept."""
        self.wrong.extend((point, each) for each in wrong)

    def add(self, other: "Outcome") -> None:
        """What another process has found."""
        self.counts += other.counts
        self.wrong += other.wrong

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept, and every mutant caught."""
        return not self.wrong and self.counts["caught"] == self.counts["mutants"]

    def line(self) -> str:
        """All figures."""
        half_visible = sum(wrong.kind == HALF_VISIBLE for _, wrong in self.wrong)
        figures = [f"{name}={self.counts[name]}" for name in COUNTED]
        figures += [f"mutants={self.counts['caught']}/{self.counts['mutants']}"]
        figures += [f"lost={len(self.wrong) - half_visible}", f"half_visible={half_visible}"]
        return f"durability: {' '.join(figures)}"

    def to_json(self) -> str:
        """One line."""
        return json.dumps({"counts": self.counts, "wrong": [(point, w.kind, w.detail) for point, w in self.wrong]})

    @classmethod
    def of_json(cls, line: str) -> "Outcome":
        """What `to_json` gave."""
        said = json.loads(line)
        return cls(Counter(said["counts"]), [(point, Wrong(kind, detail)) for point, kind, detail in said["wrong"]])

    def report(self, seed: int) -> str:
        """Each failure with the line that repeats it."""
        lines = [
            f"{wrong.kind}: {wrong.detail}\n    ./fleet durability --seed {seed} --only '{point}'"
            for point, wrong in self.wrong[:MOST_TOLD]
        ]
        return "\n".join([*lines, f"{len(self.wrong)} failures"])


def say(text: str) -> None:
    """Progress, for whoever watches."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
