"""Which elements are followed here, and how that is going."""

from collections.abc import Callable

from artstore_kit.health import CheckResult, Health
from query_module import metrics
from query_module.adapters.elements import Elements
from query_module.services.follow import Follower, State


class Roster:
    """A follower for each element that the fleet has."""

    def __init__(self, elements: Elements, follower_of: Callable[[str], Follower]) -> None:
        self._elements = elements
        self._follower_of = follower_of
        self._followers: dict[str, Follower] = {}

    def adjust(self) -> tuple[list[Follower], list[Follower]]:
        """The followers to be started, of new elements, and those to be stopped, of elements that are gone."""
        wanted = set(self._elements.ids())
        ended = [self._end(element_id) for element_id in self._followers.keys() - wanted]
        begun = [self._follower_of(element_id) for element_id in wanted - self._followers.keys()]
        self._followers |= {follower.element_id: follower for follower in begun}
        return begun, ended

    async def check(self) -> CheckResult:
        """Degraded while an element's changes do not arrive: what is new there is not found yet."""
        failing = [f"{each.element_id}: {each.failure}" for each in self._followers.values() if each.failure]
        return CheckResult(health=Health.DEGRADED if failing else Health.OK, detail="; ".join(sorted(failing)))

    def show(self) -> None:
        """Tell the metrics how far each follower is."""
        for element_id, follower in self._followers.items():
            metrics.LAG_SECONDS.labels(element_id).set(follower.lag_s)
            metrics.LAG_LSN.labels(element_id).set(follower.lag_lsn)
            metrics.FOLLOWING.labels(element_id).set(follower.state is State.FOLLOWING)

    def _end(self, element_id: str) -> Follower:
        for gauge in (metrics.LAG_SECONDS, metrics.LAG_LSN, metrics.FOLLOWING):
            gauge.remove(element_id)
        return self._followers.pop(element_id)
