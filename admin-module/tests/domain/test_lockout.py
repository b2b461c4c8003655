"""The lock after repeated failures."""

from datetime import UTC, datetime, timedelta

from admin_module.domain.lockout import locked

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_lock_says_how_long_it_lasts() -> None:
    refusal = locked(NOW + timedelta(minutes=10), NOW)
    assert refusal is not None
    assert (refusal.code, refusal.headers) == ("account_locked", {"Retry-After": "601"})


def test_a_lock_ends() -> None:
    assert locked(NOW, NOW) is None
    assert locked(None, NOW) is None
