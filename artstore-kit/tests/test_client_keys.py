"""Which public keys an account may register."""

from typing import Any

import pytest
from pydantic import ValidationError

from artstore_kit.contracts.client_keys import KEYS_AT_MOST, KeySet, PublicKey
from artstore_kit.testing.client_keys import client_key

RSA, EC, ED = (client_key(algorithm).jwk for algorithm in ("RS256", "ES256", "EdDSA"))


@pytest.mark.parametrize("jwk", [RSA, EC, ED])
def test_a_single_key_is_a_set_of_one(jwk: dict[str, str]) -> None:
    one, listed = KeySet.model_validate(jwk), KeySet.model_validate({"keys": [jwk]})
    assert one == listed
    assert one.model_dump(mode="json") == {"keys": [jwk]}


def test_unknown_members_are_passed_over() -> None:
    assert PublicKey.model_validate(EC | {"key_ops": ["verify"], "x5c": []}) == PublicKey.model_validate(EC)


@pytest.mark.parametrize(
    ("jwk", "why"),
    [
        ({"kty": "oct", "k": "AAAA"}, "private or symmetric"),
        (EC | {"d": "AAAA"}, "private or symmetric"),
        (RSA | {"p": "AAAA"}, "private or symmetric"),
        ({"kty": "AKP"}, "'RSA', 'EC' or 'OKP'"),
        (RSA | {"n": "AQAB"}, "2048 to 4096 bits"),
        (RSA | {"n": "_" * 700}, "2048 to 4096 bits"),
        (RSA | {"n": "gA" + "A" * 341}, "2048 to 4096 bits"),
        (RSA | {"n": ""}, "String should match"),
        (RSA | {"e": "AQ"}, "odd exponent"),
        (RSA | {"e": "AAAC"}, "odd exponent"),
        (RSA | {"e": "AQAAAAE"}, "odd exponent"),
        (RSA | {"alg": "HS256"}, "Input should be"),
        (RSA | {"alg": "ES256"}, "cannot sign with"),
        (RSA | {"use": "enc"}, "Input should be 'sig'"),
        (EC | {"crv": "P-384"}, "Input should be"),
        (EC | {"crv": "Ed25519"}, "P-256"),
        (EC | {"x": "AAAA"}, "32 bytes"),
        ({**EC, "y": None}, "32 bytes"),
        (ED | {"crv": "P-256"}, "Ed25519"),
        (ED | {"x": "AAAA"}, "32 bytes"),
        (EC | {"kid": "a\nb"}, "control characters"),
    ],
)
def test_keys_that_are_refused(jwk: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        KeySet.model_validate(jwk)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ([], "at least 1"),
        ([EC] * (KEYS_AT_MOST + 1), "at most 10"),
        ([EC, ED], "kid of its own"),
        ([EC | {"kid": "a"}, ED | {"kid": "a"}], "kid of its own"),
    ],
)
def test_sets_that_are_refused(keys: list[dict[str, str]], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        KeySet.model_validate({"keys": keys})
