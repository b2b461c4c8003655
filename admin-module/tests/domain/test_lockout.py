"""The lock after repeated failures."""

from datetime import UTC, datetime, timedelta

import pytest

from admin_module.domain.lockout import require_not_locked
from artstore_kit.contracts.errors import AccountLocked

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_lock_says_how_long_it_lasts() -> None:
    with pytest.raises(AccountLocked) as refused:
        require_not_locked(NOW + timedelta(minutes=10), NOW)
    assert refused.value.headers == {"Retry-After": "601"}


def test_a_lock_ends() -> None:
    require_not_locked(NOW, NOW)
    require_not_locked(None, NOW)
