"""The storage elements of the fleet, each with a client of its own."""

from artstore_kit.callee import Credentials
from artstore_kit.clients.element import ElementClient
from artstore_kit.contracts.errors import ElementUnavailable
from artstore_kit.registry import ElementDirectory


class Elements:
    """Clients by element, kept as long as the element stays where it is."""

    def __init__(self, directory: ElementDirectory, credentials: Credentials) -> None:
        self._directory = directory
        self._credentials = credentials
        self._clients: dict[tuple[str, str], ElementClient] = {}

    def ids(self) -> list[str]:
        """Every element that the admin module knows, alive or not; `RegistryUnavailable` when none could be read."""
        return [element.element_id for element in self._directory.elements()]

    def last_lsn(self, element_id: str) -> int | None:
        """The newest journal position that the element has reported."""
        view = self._directory.find(element_id)
        return view.report.last_lsn if view and view.report else None

    def client(self, element_id: str) -> ElementClient:
        """The element's client; `ElementUnavailable` when nobody knows where it is."""
        view = self._directory.find(element_id)
        if view is None:
            raise ElementUnavailable(f"The element {element_id} is not registered.")
        key = (element_id, view.url)
        if key not in self._clients:
            self._clients[key] = ElementClient.at(element_id, view.url, self._credentials)
        return self._clients[key]

    async def close(self) -> None:
        """Close all clients."""
        for client in self._clients.values():
            await client.close()
