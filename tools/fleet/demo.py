"""stub"""

from collections.abc import Sequence
from pathlib import Path

from tools.fleet.layout import Layout


def run(layout: Layout, paths: Sequence[Path]) -> int:
    """stub"""
    print(layout, paths)
    return 1
