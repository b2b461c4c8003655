"""Where a new file goes: the elements that may take it, best first, and why the others may not (DESIGN section 6)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from artstore_kit.contracts.elements import ElementReport, ElementView, Fullness
from artstore_kit.contracts.errors import NoElementAvailable
from artstore_kit.contracts.files import RetentionKind
from artstore_kit.contracts.modes import Mode

MODE_FOR: Mapping[RetentionKind, Mode] = {
    RetentionKind.TEMPORARY: Mode.EDIT,
    RetentionKind.PERMANENT: Mode.RW,
}


@dataclass(frozen=True)
class Wish:
    """What is to be placed: how it is kept, its size when that is known, and the site that is asking."""

    kind: RetentionKind
    size_bytes: int | None
    site: str


@dataclass(frozen=True)
class Ranking:
    """Elements in the order in which they are tried, and the reason for each that is passed over."""

    candidates: tuple[ElementView, ...]
    passed_over: Mapping[str, str]


def rank(
    elements: Iterable[ElementView],
    wish: Wish,
    alive: Collection[str],
    circuit_open: Callable[[ElementView], bool],
) -> Ranking:
    """Those alive first, then the wish's own site, then priority: the first is filled until it is full.

    A silent element is the last resort, not out of the question: it may be cut off from the registry alone, and
    the registry is a hint, never a judge.
    """
    candidates: list[ElementView] = []
    passed_over: dict[str, str] = {}
    for element in elements:
        reason = "it has failed repeatedly" if circuit_open(element) else _obstacle(element, wish)
        if reason:
            passed_over[element.element_id] = reason
        else:
            candidates.append(element)
    candidates.sort(key=lambda e: (e.element_id not in alive, e.site != wish.site, e.priority, e.element_id))
    return Ranking(tuple(candidates), passed_over)


def none_available(wish: Wish, obstacles: Mapping[str, str]) -> NoElementAvailable:
    """The refusal that tells what was wrong with each element."""
    mode = MODE_FOR[wish.kind]
    listed = "; ".join(f"{element}: {reason}" for element, reason in obstacles.items()) or "the registry lists none"
    return NoElementAvailable(
        f"A {wish.kind.value} file needs an element of mode {mode.value}. {listed}.",
        headers={"Retry-After": "5"},
        elements=dict(obstacles),
    )


def _obstacle(element: ElementView, wish: Wish) -> str:
    wanted = MODE_FOR[wish.kind]
    if element.mode is not wanted:
        return f"its mode is {element.mode.value}, not {wanted.value}"
    return _obstacle_told(element.report, wish) if element.report else ""


def _obstacle_told(report: ElementReport, wish: Wish) -> str:
    if report.capacity.fullness is Fullness.FULL:
        return "it is full"
    if not report.writable:
        return f"it takes no writes ({report.state})"
    if wish.size_bytes is not None and report.capacity.free_bytes < wish.size_bytes:
        return f"it has {report.capacity.free_bytes} bytes free, and {wish.size_bytes} are needed"
    return ""
