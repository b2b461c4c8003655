"""A stand-in for the admin module: keys, tokens and elements on a real port, and faults on demand."""

import threading
import time
from collections.abc import Iterable
from typing import Self

import uvicorn

from artstore_kit.contracts.elements import ElementView
from artstore_kit.settings import AccountSettings, AdminSettings, TokenSettings
from artstore_kit.testing.admin_routes import CLIENT_SECRET, AdminRoutes, AdminState
from artstore_kit.testing.application import QuietServer, free_port
from artstore_kit.testing.tokens import TokenMint

__all__ = ["CLIENT_SECRET", "AdminStandIn"]


class AdminStandIn(AdminState):
    """`with AdminStandIn() as admin`: every client id with `CLIENT_SECRET` gets a token with all rights."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(TokenMint(self.url))

    def reset(self) -> None:
        """As if just started; listening, if it was stopped."""
        super().__init__(self.mint)
        self.mint.revoked.clear()
        if not self._thread.is_alive():
            self.start()

    def show(self, elements: Iterable[ElementView]) -> None:
        """Make these the registered elements."""
        self.elements = {element.element_id: element for element in elements}

    def token_settings(self) -> TokenSettings:
        """For a service that accepts this admin module's tokens."""
        return self.mint.settings()

    def address(self) -> AdminSettings:
        """For a service that calls it."""
        return AdminSettings(url=self.url)

    def account(self, client_id: str = "tester") -> AccountSettings:
        """A service account that it knows."""
        return AccountSettings.model_validate({"client_id": client_id, "client_secret": CLIENT_SECRET})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; after `stop` at the same port."""
        application = AdminRoutes(self).application()
        self._server = QuietServer(uvicorn.Config(application, port=self.port, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, name="admin stand-in", daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError(f"the stand-in could not listen on port {self.port}")
            time.sleep(0.005)

    def stop(self) -> None:
        """Refuse new connections and cut those that are open."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
