"""What a follower has in the place of what only the master has."""

from collections.abc import Callable
from typing import NoReturn

from artstore_kit.contracts.errors import ArtStoreError


class OnlyAtMaster:
    """Whatever is asked of it is refused, and told where the master is."""

    def __init__(self, refusal: Callable[[], ArtStoreError]) -> None:
        self._refusal = refusal

    def __getattr__(self, name: str) -> NoReturn:
        raise self._refusal()
