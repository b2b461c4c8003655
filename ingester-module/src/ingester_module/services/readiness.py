"""What must be well for files to be taken in; `degraded` still takes some."""

from artstore_kit.contracts.errors import RegistryUnavailable
from artstore_kit.contracts.files import RetentionKind
from artstore_kit.health import CheckResult, Health
from artstore_kit.registry import ElementDirectory
from ingester_module.adapters.element_files import ElementFiles
from ingester_module.domain.placement import MODE_FOR, Wish, rank


class Readiness:
    """The checks behind `/health/ready`."""

    def __init__(self, directory: ElementDirectory, elements: ElementFiles, site: str) -> None:
        self._directory = directory
        self._elements = elements
        self._site = site

    async def elements(self) -> CheckResult:
        """Whether each kind of file has an element; `fail` while not even a list of elements was ever read."""
        try:
            without = [MODE_FOR[kind].value for kind in RetentionKind if not self._has_place(kind)]
        except RegistryUnavailable as error:
            return CheckResult(health=Health.FAIL, detail=error.detail)
        if without:
            return CheckResult(health=Health.DEGRADED, detail=f"no element takes files in mode {', '.join(without)}")
        return CheckResult()

    async def account(self) -> None:
        """Raise unless this service has, or gets, a token of its own."""
        await self._elements.require_account()

    def _has_place(self, kind: RetentionKind) -> bool:
        alive = {element.element_id for element in self._directory.alive()}
        ranking = rank(self._directory.elements(), Wish(kind, None, self._site), alive, self._elements.circuit_open)
        return any(element.element_id in alive for element in ranking.candidates)
