"""The OAuth endpoints of the admin module as a client meets them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

AUTH = "/api/v1/auth"
GRANT = {"grant_type": "client_credentials"}


@dataclass(frozen=True)
class Desk:
    """The OAuth endpoints, and the secrets of the clients."""

    http: httpx.AsyncClient
    secrets: Mapping[str, str]

    def proof(self, name: str = "scanner") -> dict[str, str]:
        """`client_secret_post`."""
        return {"client_id": name, "client_secret": self.secrets[name]}

    def basic(self, name: str = "scanner") -> httpx.BasicAuth:
        """`client_secret_basic`."""
        return httpx.BasicAuth(name, self.secrets[name])

    async def ask(self, name: str = "scanner", **form: str) -> httpx.Response:
        """Ask for a token."""
        return await self.http.post(f"{AUTH}/token", data=GRANT | self.proof(name) | form)

    async def token(self, name: str = "scanner", **form: str) -> str:
        """A token."""
        token: str = (await self.ask(name, **form)).json()["access_token"]
        return token

    async def revoke(self, token: str, name: str = "scanner", **form: str) -> httpx.Response:
        """Have a token revoked."""
        return await self.http.post(f"{AUTH}/revoke", data=self.proof(name) | {"token": token} | form)

    async def inspect(self, token: str, **form: str) -> httpx.Response:
        """What the server says of a token."""
        return await self.http.post(f"{AUTH}/introspect", data=self.proof("inspector") | {"token": token} | form)

    async def state(self, token: str) -> dict[str, Any]:
        """The same, read."""
        state: dict[str, Any] = (await self.inspect(token)).json()
        return state

    async def assert_with(self, assertion: str, **form: str) -> httpx.Response:
        """Ask for a token with an assertion."""
        asserted = {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        return await self.http.post(f"{AUTH}/token", data=GRANT | asserted | form)


def refused(answer: httpx.Response, status: int, error: str) -> None:
    """It is the refusal that RFC 6749 section 5.2 describes."""
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["content-type"] == "application/json"
