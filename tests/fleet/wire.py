"""Requests as anybody could send them: nothing is retried, checked or corrected."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from tools.fleet.fleet import Fleet
from tools.fleet.layout import ROOT

PROBLEM_TYPE = "application/problem+json"
GIVEN_AWAY = ("Traceback", str(ROOT), tempfile.gettempdir(), "site-packages", "asyncpg", "SELECT ")
"""What an answer may not say of the inside."""

type Body = bytes | AsyncIterator[bytes]


@dataclass(frozen=True)
class Wire:
    """A client and the token that it sends unless told otherwise."""

    fleet: Fleet
    client: httpx.AsyncClient
    token: str = field(repr=False)

    async def ask(
        self,
        method: str,
        service: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response:
        """One request to `/api/v1<path>`; an empty token sends none."""
        token = self.token if token is None else token
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.fleet.url(service)}/api/v1{path}"
        return await self.client.request(method, url, headers={**authorization, **(headers or {})}, **content)

    async def upload(
        self, content: Body, *, token: str | None = None, headers: Mapping[str, str] | None = None, **attributes: object
    ) -> httpx.Response:
        """The content through the ingester; without an Idempotency-Key unless the headers hold one."""
        described = {ATTRIBUTES_HEADER: json.dumps({"name": "document.bin", **attributes}), **(headers or {})}
        return await self.ask("POST", "ingester", "/files", token=token, headers=described, content=content)

    async def search(self, **parameters: str) -> httpx.Response:
        """A question to the query module."""
        return await self.ask("GET", "query", "/search", params=parameters)


def refusal(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer that refuses with this status and code, and says nothing of the inside."""
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["Content-Type"] == PROBLEM_TYPE
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert problem["title"]
    assert [word for word in GIVEN_AWAY if word in answer.text] == []
    return problem


class Line:
    """A bare connection, for requests that no HTTP library would send."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.request_id = uuid4().hex
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, wire: Wire, service: str) -> "Line":
        """Connected to a service."""
        return cls(*await asyncio.open_connection("127.0.0.1", wire.fleet.service(service).port))

    async def begin(self, wire: Wire, request: str, headers: Mapping[str, str]) -> None:
        """The head of a request (`POST /api/v1/files`)."""
        every = {"Host": "fleet", "Authorization": f"Bearer {wire.token}", "X-Request-ID": self.request_id, **headers}
        lines = [f"{request} HTTP/1.1", *(f"{name}: {value}" for name, value in every.items()), "", ""]
        await self.send("\r\n".join(lines).encode())

    async def send(self, data: bytes) -> None:
        """Bytes, as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def beginning(self) -> bytes:
        """What is answered first."""
        return await asyncio.wait_for(self._reader.read(1000), 15)

    async def end(self) -> bytes:
        """Say that nothing more comes; what is still answered."""
        self._writer.write_eof()
        answer = await asyncio.wait_for(self._reader.read(), 15)
        self._writer.close()
        return answer

    def cut(self) -> None:
        """Go away without a word."""
        self._writer.transport.abort()
