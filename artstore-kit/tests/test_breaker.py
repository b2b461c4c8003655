"""The circuit breaker under a clock of the test's own."""

import pytest

from artstore_kit.breaker import CircuitBreaker, State
from artstore_kit.contracts.errors import CircuitOpen
from artstore_kit.testing.clock import Seconds


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def breaker(clock: Seconds) -> CircuitBreaker:
    return CircuitBreaker("element", failures_to_open=3, open_s=5, clock=clock)


def _fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.admit()
        breaker.failed()


def _state(breaker: CircuitBreaker) -> State:
    return breaker.state


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    _fail(breaker, 2)
    breaker.succeeded()
    _fail(breaker, 2)
    assert _state(breaker) is State.CLOSED
    _fail(breaker, 1)
    assert _state(breaker) is State.OPEN


def test_while_open_it_says_when_to_come_again(breaker: CircuitBreaker, clock: Seconds) -> None:
    _fail(breaker, 3)
    clock.now = 2
    with pytest.raises(CircuitOpen) as refused:
        breaker.admit()
    assert refused.value.headers["Retry-After"] == "3"


def test_half_open_lets_one_call_pass(breaker: CircuitBreaker, clock: Seconds) -> None:
    _fail(breaker, 3)
    clock.now = 5
    assert _state(breaker) is State.HALF_OPEN
    breaker.admit()
    with pytest.raises(CircuitOpen):
        breaker.admit()


def test_the_trial_closes_or_opens_it(breaker: CircuitBreaker, clock: Seconds) -> None:
    _fail(breaker, 3)
    clock.now = 5
    _fail(breaker, 1)
    assert _state(breaker) is State.OPEN
    clock.now = 10
    breaker.admit()
    breaker.succeeded()
    assert _state(breaker) is State.CLOSED


def test_a_trial_that_is_given_up_leaves_room_for_another(breaker: CircuitBreaker, clock: Seconds) -> None:
    _fail(breaker, 3)
    clock.now = 5
    breaker.admit()
    breaker.abandoned()
    breaker.admit()
    assert _state(breaker) is State.HALF_OPEN
