"""One table of error codes: said in the kit's contracts, each once, each with its meaning."""

from importlib import import_module

import pytest

from artstore_kit.contracts.errors import ArtStoreError, error_table
from tests.house.the_house import PACKAGES, SERVICES


def _all_errors() -> list[type[ArtStoreError]]:
    for package in PACKAGES:
        import_module(package if package not in SERVICES.values() else f"{package}.main")
    return list(error_table().values())


def test_every_error_is_declared_in_the_contracts() -> None:
    assert [kind for kind in _all_errors() if kind.__module__ != "artstore_kit.contracts.errors"] == []


@pytest.mark.parametrize("kind", _all_errors(), ids=lambda kind: kind.code)
def test_every_error_says_what_it_means(kind: type[ArtStoreError]) -> None:
    assert kind.title().endswith(".")
    assert 400 <= kind.status < 600 or kind.status == 307
    assert kind.code not in {"", ArtStoreError.code} or kind.__name__ == "InternalError"
