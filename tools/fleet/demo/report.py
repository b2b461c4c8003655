"""How the demonstration looks: a bar for each phase, a short table at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tools.fleet.demo.journey import Advance, Outcome, Phase

DIFFERENCES_SHOWN = 20
ROW = "{:<10}{:>10}{:>16}{:>10}{:>13}{:>9}"


@contextmanager
def progress(documents: int) -> Iterator[Advance]:
    with Progress(TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn()) as bars:
        tasks = {name: bars.add_task(name, total=documents) for name in ("upload", "download")}
        yield lambda name: bars.advance(tasks[name])


def text(outcome: Outcome) -> str:
    lines = [ROW.format("", "documents", "bytes", "seconds", "documents/s", "MB/s")]
    lines += [_row("upload", outcome.upload), _row("download", outcome.download), ""]
    if outcome.findable_after_s is not None:
        lines.append(f"all found by search {outcome.findable_after_s * 1000:.0f} ms after the last upload")
    if outcome.searches_ms:
        lines.append(_searches(sorted(outcome.searches_ms)))
    return "\n".join([*lines, *_verdict(outcome)])


def _row(name: str, phase: Phase) -> str:
    seconds = max(phase.seconds, 1e-6)
    speed = f"{phase.documents / seconds:.1f}", f"{phase.size_bytes / 1e6 / seconds:.1f}"
    return ROW.format(name, phase.documents, f"{phase.size_bytes:,}", f"{phase.seconds:.2f}", *speed)


def _searches(times_ms: list[float]) -> str:
    return (
        f"{len(times_ms)} searches by a word of the name: {median(times_ms):.1f} ms in the median, "
        f"{times_ms[-1]:.1f} ms at most"
    )


def _verdict(outcome: Outcome) -> list[str]:
    if not outcome.differences:
        return [f"every sha256 of {outcome.download.documents} documents is the same: nothing lost, nothing altered"]
    count = len(outcome.differences)
    shown = [f"    {difference}" for difference in outcome.differences[:DIFFERENCES_SHOWN]]
    return [f"{count} DIFFERENCES:", *shown, *(["    ..."] if count > len(shown) else [])]
