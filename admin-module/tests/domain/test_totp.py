"""Codes of authenticator apps, by the RFCs' own vectors."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from admin_module.domain.totp import (
    code_of,
    in_base32,
    is_totp_code,
    matching_step,
    new_recovery_codes,
    new_totp_secret,
    otpauth_uri,
    recovery_hash,
    step_at,
)

SECRET = b"12345678901234567890"
NOW = datetime(2026, 5, 1, 12, 0, 15, tzinfo=UTC)
HALF_MINUTE = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238(moment: int, code: str) -> None:
    """Appendix B, SHA-1."""
    step = step_at(datetime.fromtimestamp(moment, UTC))
    assert code_of(SECRET, step, digits=8) == code
    assert code_of(SECRET, step) == code[2:]


def test_the_vectors_of_rfc_4226() -> None:
    """Appendix D."""
    codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
    assert [code_of(SECRET, step) for step in range(10)] == codes


@pytest.mark.parametrize(("periods", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_a_period(periods: int, good: bool) -> None:
    step = step_at(NOW)
    code = code_of(SECRET, step)
    assert matching_step(SECRET, code, NOW + periods * HALF_MINUTE) == (step if good else None)


def test_what_is_no_code_matches_nothing() -> None:
    for code in ("", "000000", "12345", "１２３４５６"):
        assert matching_step(SECRET, code, datetime.fromtimestamp(59, UTC)) is None
    assert [is_totp_code(code) for code in ("123456", "12345", "１２３４５６", "abcdef", "1234567")] == [True] + [
        False
    ] * 4


def test_apps_read_the_address() -> None:
    address = urlsplit(otpauth_uri("ada@example.org", SECRET))
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/ArtStore:ada%40example.org")
    assert parse_qs(address.query) == {"secret": [in_base32(SECRET)], "issuer": ["ArtStore"]}


def test_secrets_and_recovery_codes_are_never_the_same() -> None:
    assert len({new_totp_secret() for _ in range(100)}) == 100
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert {len(code) for code in codes} == {19}
    assert not any(is_totp_code(code) for code in codes)


def test_recovery_codes_are_typed_in_any_way() -> None:
    assert recovery_hash("abcd-efgh") == recovery_hash("ABCD EFGH") == recovery_hash("abcdefgh")
