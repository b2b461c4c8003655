"""What died starts again, more patiently each time; what was stopped stays down."""

from types import SimpleNamespace
from typing import cast

import pytest

from tools.fleet.errors import FleetError
from tools.fleet.fleet import Fleet
from tools.fleet.supervisor import LONGEST_DELAY_S, STEADY_AFTER_S, Supervisor


class Stage:
    """A fleet of one part whose deaths the test decides."""

    def __init__(self) -> None:
        self.now = 0.0
        self.is_dead = False
        self.refuses = False
        self.started_at: list[float] = []
        self.said: list[str] = []
        self.parts = {"edit-1": SimpleNamespace(process=SimpleNamespace(exit_code=-9))}
        self.supervisor = Supervisor(cast(Fleet, self), self.said.append, clock=lambda: self.now)

    def dead(self) -> list[str]:
        return ["edit-1"] if self.is_dead else []

    def launch(self, _: str) -> None:
        if self.refuses:
            raise FleetError("no room")
        self.started_at.append(self.now)
        self.is_dead = False

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.supervisor.tick()
            self.now += 0.1


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_death_is_told_and_answered_by_a_start(stage: Stage) -> None:
    stage.is_dead = True
    stage.pass_time(1)
    assert len(stage.started_at) == 1
    assert stage.started_at[0] >= 0.5
    assert "edit-1 ended with code -9" in stage.said[0]


def test_one_that_dies_again_and_again_waits_longer_but_not_for_ever(stage: Stage) -> None:
    delays = []
    for _ in range(9):
        stage.is_dead, died_at = True, stage.now
        while stage.is_dead:
            stage.pass_time(0.1)
        delays.append(stage.started_at[-1] - died_at)
    assert delays[:3] == [pytest.approx(delay, abs=0.25) for delay in (0.5, 1, 2)]
    assert delays[-1] == pytest.approx(LONGEST_DELAY_S, abs=0.25)


def test_one_that_was_steady_is_started_at_once_again(stage: Stage) -> None:
    for _ in range(4):
        stage.is_dead = True
        stage.pass_time(10)
    stage.pass_time(STEADY_AFTER_S)
    stage.is_dead, died_at = True, stage.now
    stage.pass_time(1)
    assert stage.started_at[-1] - died_at < 1


def test_a_start_that_fails_does_not_end_the_supervisor(stage: Stage) -> None:
    stage.is_dead = stage.refuses = True
    stage.pass_time(3)
    assert "edit-1 cannot be started: no room" in stage.said
    stage.refuses = False
    stage.pass_time(10)
    assert stage.started_at
