"""When keys take turns, and what is due meanwhile."""

from datetime import UTC, datetime, timedelta

from admin_module.domain.key_turns import Turns, due
from admin_module.domain.signing_keys import KEPT_AFTER_RETIREMENT, SIGNED_LATE, SigningKey

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
turns = Turns(24 * HOUR, 2 * MINUTE)


def key(kid: str, starts: timedelta, *, published: timedelta = -HOUR, retired_at: datetime | None = None) -> SigningKey:
    return SigningKey(kid, {}, b"sealed", NOW + published, NOW + starts, retired_at)


def test_a_key_signs_for_a_day() -> None:
    assert turns.after(key("a", -HOUR), NOW) == NOW + 23 * HOUR


def test_after_a_long_stop_the_next_key_is_still_published_before_it_signs() -> None:
    assert turns.after(key("a", -99 * HOUR), NOW) == NOW + 2 * MINUTE


def test_a_rotation_waits_until_every_service_knows_the_key() -> None:
    assert turns.at_once(key("b", 9 * HOUR), NOW) == NOW
    assert turns.at_once(key("b", 9 * HOUR, published=-MINUTE), NOW) == NOW + MINUTE
    assert turns.at_once(key("b", MINUTE / 2, published=timedelta()), NOW) == NOW + MINUTE / 2


def test_nothing_is_due_between_turns() -> None:
    assert not due([key("a", -HOUR), key("b", HOUR)], NOW)


def test_missing_keys_are_due() -> None:
    assert (due([], NOW).first, due([], NOW).following) == (True, True)
    assert (due([key("a", -HOUR)], NOW).first, due([key("a", -HOUR)], NOW).following) == (False, True)


def test_ends_are_due() -> None:
    ends = {"soon": NOW, "long ago": NOW - SIGNED_LATE, "over": NOW - KEPT_AFTER_RETIREMENT}
    keys = [key(kid, -2 * HOUR, retired_at=at) for kid, at in ends.items()]
    what = due([key("followed", -2 * HOUR), *keys, key("signer", -HOUR), key("next", HOUR)], NOW)
    assert [each.kid for each in what.retired] == ["followed"]
    assert [each.kid for each in what.let_go] == ["long ago", "over"]
    assert [each.kid for each in what.over] == ["over"]
    assert (what.first, what.following) == (False, False)
