"""The fence of a master that has just taken an element over."""

from pathlib import Path

from storage_element.adapters.local.fence import Fence


def taken_over(root: Path) -> Fence:
    """Whoever was the master of the element at `root` is not any more."""
    fence = Fence(root)
    fence.make_first(0)
    fence.take_over(0)
    return fence
