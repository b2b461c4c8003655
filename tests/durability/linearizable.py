"""Whether what callers saw of one file can have happened in one order (Wing and Gong, 1993), each act at one moment."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

type Value = str | None
"""What a file says; None when there is none."""


@dataclass(frozen=True)
class Act:
    """A read saw `value`, or a write made it so. A write without an end was not answered: it may happen at any time.

    A write that `creates` happens only where there is no file, any other only where there is one.
    """

    start: float
    end: float
    value: Value
    is_read: bool = False
    creates: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether it must have happened."""
        return self.end < math.inf

    def after(self, before: Value) -> tuple[bool, Value]:
        """Whether it can happen to a file that says `before`, and what the file says then."""
        if self.is_read:
            return before == self.value, before
        return (before is None) == self.creates, self.value


def is_linearizable(acts: Sequence[Act]) -> bool:
    """The file is not there at first. Acts that were refused are not told."""

    @lru_cache(None)
    def possible(left: frozenset[int], value: Value) -> bool:
        if not any(acts[each].is_answered for each in left):
            return True
        first_end = min(acts[each].end for each in left)
        for each in left:
            if acts[each].start > first_end:
                continue
            fits, then = acts[each].after(value)
            if fits and possible(left - {each}, then):
                return True
        return False

    return possible(frozenset(range(len(acts))), None)
