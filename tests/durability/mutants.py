"""Ways to break the element, as mutants.txt tells them: whatever takes one away must be found out."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """In `path` of the package the lines `old`, which are there exactly once, become `new`; one of `probes` must fail.

    In the text: its name, path and probes, one line each; then what goes, after `-`, and what comes, after `+`.
    """

    name: str
    path: str
    probes: tuple[str, ...]
    old: str
    new: str

    @classmethod
    def parse(cls, text: str) -> "Mutant":
        """One block of the text."""
        name, path, probes, *lines = text.splitlines()
        old, new = ("".join(f"{line[1:]}\n" for line in lines if line[0] == sign) for sign in "-+")
        return cls(name, path.strip(), tuple(probes.strip().split(", ")), old, new)


MUTANTS = [Mutant.parse(block) for block in Path(__file__).with_name("mutants.txt").read_text().split("\n\n")]
