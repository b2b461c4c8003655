"""Digest fields as senders write them, well and badly."""

import hashlib

import pytest

from artstore_kit.contracts.errors import BadDigestHeader
from artstore_kit.digests import format_sha256, parse_sha256

DIGEST = hashlib.sha256(b"a document").digest()
FIELD = format_sha256(DIGEST)


def test_what_is_written_can_be_read() -> None:
    assert parse_sha256(FIELD) == DIGEST


@pytest.mark.parametrize(
    "header",
    [
        f"sha-512=:AAAA:, {FIELD}",
        f"{FIELD},md5=:AAAA:",
        f"unixsum=30637;weight=1 , {FIELD}",
        f'flag, {FIELD}; note="a, b"',
        f"sha-256=:{'A' * 44}:, {FIELD}",
        FIELD.replace("=:", ":").replace("sha-256:", "sha-256=:"),
    ],
)
def test_other_members_are_passed_over(header: str) -> None:
    assert parse_sha256(header) == DIGEST


@pytest.mark.parametrize("header", [None, "", "  ", "sha-512=:AAAA:", "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:"])
def test_no_sha256_is_none(header: str | None) -> None:
    assert parse_sha256(header) is None


@pytest.mark.parametrize(
    "header",
    [
        "sha-256",
        "sha-256=",
        "sha-256=abc",
        "sha-256=::",
        "sha-256=:AAAA:",
        "sha-256=:A:",
        "sha-256=:!!!!:",
        "SHA-256=:AAAA:",
        f"{FIELD},",
        f"{FIELD} {FIELD}",
        f",{FIELD}",
        "sha-256=" + hashlib.sha256(b"").hexdigest(),
        "\u20ac",
    ],
)
def test_what_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(BadDigestHeader):
        parse_sha256(header)
