"""Cuts the power before one verb of the seam: nothing that comes after it is carried out."""

import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, cast

from storage_element.domain.incoming import Staging
from storage_element.domain.storage import Files, Journal, Storage, Superblocks


class PowerCut(BaseException):
    """The end of everything at this point."""


@dataclass
class Supply:
    """Lasts for so many verbs."""

    left: int

    def feeding(self, storage: Storage) -> Storage:
        """The same storage, until the cut."""
        return Storage(
            cast(Journal, _Port(storage.journal, self)),
            cast(Files, _Files(storage.files, self)),
            cast(Superblocks, _Port(storage.superblocks, self)),
            storage.upkeep,
            storage.uploads,
        )

    def use(self) -> None:
        """For one verb."""
        if self.left == 0:
            raise PowerCut
        self.left -= 1


class _Port:
    def __init__(self, port: Any, supply: Supply) -> None:
        self._port = port
        self._supply = supply

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if inspect.iscoroutinefunction(found):
            return self._cut_before(found)
        return found

    def _cut_before(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any) -> Any:
            self._supply.use()
            return await verb(*args)

        return call

    async def read(self) -> AsyncIterator[Any]:
        """A verb too."""
        self._supply.use()
        async for records in self._port.read():
            yield records


class _Files(_Port):
    def stage(self, *args: Any) -> Staging:
        """Its verbs as well."""
        return cast(Staging, _Port(self._port.stage(*args), self._supply))
