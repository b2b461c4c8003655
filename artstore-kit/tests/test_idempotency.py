"""Which values of `Idempotency-Key` are keys."""

import pytest

from artstore_kit.contracts.errors import BadRequest
from artstore_kit.contracts.idempotency import checked_key


@pytest.mark.parametrize("key", [None, "!", "~" * 255, "8e03978e-40d5-43e8-bc93-6894a57f9324"])
def test_keys_that_are_keys(key: str | None) -> None:
    assert checked_key(key) == key


@pytest.mark.parametrize("key", ["", " ", "a b", "a\t", "é", "k" * 256])
def test_keys_that_are_none(key: str) -> None:
    with pytest.raises(BadRequest):
        checked_key(key)
