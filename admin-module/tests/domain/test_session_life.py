"""The life of a session."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from admin_module.domain.sessions import GRACE, Caller, Lifetimes, Verdict, begun, lasting

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
LIFETIMES = Lifetimes(idle=12 * HOUR, longest=48 * HOUR)
OLD, PREVIOUS, CURRENT = b"old", b"previous", b"current"
FRESH = begun("ada", Caller("192.0.2.1", "Firefox"), CURRENT, LIFETIMES, NOW)
USED = replace(FRESH, previous_sha256=PREVIOUS)


def test_it_lasts_while_it_is_used() -> None:
    assert FRESH.lasts(LIFETIMES, NOW + 12 * HOUR - SECOND)
    assert not FRESH.lasts(LIFETIMES, NOW + 12 * HOUR)


def test_it_ends_however_much_it_is_used() -> None:
    busy = replace(FRESH, last_used_at=NOW + 47 * HOUR)
    assert busy.lasts(LIFETIMES, NOW + 48 * HOUR - SECOND)
    assert not busy.lasts(LIFETIMES, NOW + 48 * HOUR)
    assert busy.idle_s(LIFETIMES, NOW + 47 * HOUR) == 3600
    assert FRESH.idle_s(LIFETIMES, NOW) == 12 * 3600


def test_the_newest_token_is_good_and_an_old_one_is_not() -> None:
    assert USED.verdict(CURRENT, LIFETIMES, NOW) is Verdict.GOOD
    assert USED.verdict(OLD, LIFETIMES, NOW) is Verdict.REUSED


def test_the_one_before_may_be_repeated_for_a_moment() -> None:
    assert USED.verdict(PREVIOUS, LIFETIMES, NOW + GRACE - SECOND) is Verdict.REPEATED
    assert USED.verdict(PREVIOUS, LIFETIMES, NOW + GRACE) is Verdict.REUSED


def test_nothing_is_good_when_it_has_ended() -> None:
    ended = replace(USED, ended_at=NOW)
    assert {ended.verdict(token, LIFETIMES, NOW) for token in (OLD, PREVIOUS, CURRENT)} == {Verdict.ENDED}
    assert lasting([ended, USED], LIFETIMES, NOW) == [USED]


def test_what_a_browser_says_of_itself_is_cut_and_made_plain() -> None:
    session = begun("ada", Caller("", "Fire\x00fox\n" + "x" * 1000), CURRENT, LIFETIMES, NOW)
    assert session.user_agent == "Firefox" + "x" * 193


def test_ids_are_not_guessed() -> None:
    ids = {begun("ada", Caller(), CURRENT, LIFETIMES, NOW).session_id for _ in range(100)}
    assert len(ids) == 100
    assert min(map(len, ids)) >= 22
