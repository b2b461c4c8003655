"""Watches a running fleet and starts again what died, more patiently each time."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tools.fleet.errors import FleetError
from tools.fleet.fleet import Fleet

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STEADY_AFTER_S = 60.0  # a part that ran this long is forgiven its earlier deaths
TICK_S = 0.2


@dataclass
class Death:
    """When a part that died may start again, and how long the wait was."""

    due_at: float
    delay_s: float
    started_at: float | None = None


class Supervisor:
    def __init__(self, fleet: Fleet, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._fleet = fleet
        self._say = say
        self._clock = clock
        self._deaths: dict[str, Death] = {}

    def run(self, pause: Callable[[float], None]) -> None:
        """Until `pause` raises."""
        while True:
            self.tick()
            pause(TICK_S)

    def tick(self) -> None:
        for name in self._fleet.dead():
            death = self._deaths.get(name)
            if death is None or death.started_at is not None:
                self._note(name, death)
            elif self._clock() >= death.due_at:
                self._start_again(name, death)

    def _note(self, name: str, former: Death | None) -> None:
        delay = FIRST_DELAY_S
        if former and former.started_at is not None and self._clock() - former.started_at < STEADY_AFTER_S:
            delay = min(former.delay_s * 2, LONGEST_DELAY_S)
        self._deaths[name] = Death(due_at=self._clock() + delay, delay_s=delay)
        code = self._fleet.parts[name].process.exit_code
        self._say(f"{name} ended with code {code}; it starts again in {delay:g} s (see ./fleet logs {name})")

    def _start_again(self, name: str, death: Death) -> None:
        try:
            self._fleet.launch(name)
        except (FleetError, OSError) as error:
            self._say(f"{name} cannot be started: {error}")
            death.delay_s = min(death.delay_s * 2, LONGEST_DELAY_S)
            death.due_at = self._clock() + death.delay_s
        else:
            death.started_at = self._clock()
            self._say(f"{name} was started again")
