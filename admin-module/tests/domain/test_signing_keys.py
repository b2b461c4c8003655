"""Which key signs, and which are published."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from admin_module.domain.signing_keys import (
    KEPT_AFTER_RETIREMENT,
    LEEWAY_S,
    SIGNED_LATE,
    SigningKey,
    current,
    key_set,
    named,
    state_of,
)
from artstore_kit.contracts.keys import KeyState
from artstore_kit.tokens import access_token

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def key(kid: str, *, not_before: datetime, retired_at: datetime | None = None) -> SigningKey:
    return SigningKey(kid, {"kid": kid}, b"sealed", NOW - 9 * HOUR, not_before, retired_at)


def kids(keys: list[SigningKey], now: datetime = NOW) -> list[str]:
    listed = key_set(keys, now)["keys"]
    assert isinstance(listed, list)
    return [each["kid"] for each in listed]


def test_the_newest_key_in_use_signs() -> None:
    old, new, coming = (key(name, not_before=NOW + age) for name, age in (("a", -2 * HOUR), ("b", -HOUR), ("c", HOUR)))
    assert current([new, coming, old], NOW) is new


def test_a_retired_key_signs_no_more() -> None:
    old, retired = key("a", not_before=NOW - 2 * HOUR), key("b", not_before=NOW - HOUR, retired_at=NOW)
    assert current([old, retired], NOW) is old
    assert current([retired], NOW) is None


def test_a_key_is_published_before_its_use() -> None:
    assert kids([key("coming", not_before=NOW + HOUR)]) == ["coming"]


def test_a_retired_key_is_published_until_its_last_token_has_expired() -> None:
    retired = key("a", not_before=NOW - HOUR, retired_at=NOW)
    assert kids([retired], NOW + timedelta(minutes=16, seconds=59)) == ["a"]
    assert kids([retired], NOW + timedelta(minutes=17)) == []


def test_services_are_as_lenient_as_is_thought_here() -> None:
    assert LEEWAY_S == access_token.LEEWAY_S


def test_the_kid_is_the_thumbprint_of_rfc_7638() -> None:
    # The example of RFC 7638 section 3.1.
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    jwk = named({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})
    assert jwk["kid"] == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert jwk["use"] == "sig"


def test_a_revoked_key_neither_signs_nor_is_published() -> None:
    revoked = replace(key("a", not_before=NOW - HOUR), revoked_at=NOW)
    assert current([revoked], NOW) is None
    assert kids([revoked]) == []
    assert state_of(revoked, [revoked], NOW) is KeyState.REVOKED


def test_each_key_has_its_place_in_life() -> None:
    keys = [
        key("a", not_before=NOW - 2 * HOUR, retired_at=NOW - HOUR),
        key("b", not_before=NOW - HOUR),
        key("c", not_before=NOW + HOUR),
    ]
    assert [state_of(each, keys, NOW) for each in keys] == [KeyState.RETIRED, KeyState.CURRENT, KeyState.NEXT]


def test_the_private_half_goes_before_the_key() -> None:
    retired = key("a", not_before=NOW - HOUR, retired_at=NOW)
    late, last = NOW + SIGNED_LATE, NOW + KEPT_AFTER_RETIREMENT
    assert [retired.is_kept_for_nothing(moment) for moment in (NOW, late)] == [False, True]
    assert [retired.is_over(moment) for moment in (late, last)] == [False, True]
    assert not replace(retired, sealed_private_key=b"").is_kept_for_nothing(last)
