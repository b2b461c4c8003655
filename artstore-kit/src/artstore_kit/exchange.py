"""The byte path: requests whose bodies are streamed, answered as plain ASGI beside the FastAPI routes."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

from pydantic import BaseModel
from starlette.types import Message, Receive, Scope, Send

from artstore_kit.connection import READ_INTO, SEND_FILE
from artstore_kit.contracts import identity
from artstore_kit.contracts.errors import PROBLEM_HEADERS, ArtStoreError, BadRequest, BodyTooLarge, IncompleteBody
from artstore_kit.principal import Principal
from artstore_kit.rights import Rights
from artstore_kit.sendfile import FileSpan
from artstore_kit.tokens.bearer import TokenVerifier

Headers = Iterable[tuple[str, str]]
SendFile = Callable[[FileSpan], Awaitable[None]]
ReadInto = Callable[[memoryview], Awaitable[int]]


class Exchange[Services]:
    """One request and its answer, without copies and without a framework between."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, params: Mapping[str, str], rights: Rights | None = None
    ) -> None:
        self.scope = scope
        self.params = params
        self._rights = rights
        self._receive = receive
        self._read_into: ReadInto | None = scope.get("extensions", {}).get(READ_INTO)
        self._send_file: SendFile | None = scope.get("extensions", {}).get(SEND_FILE)
        self._send = send
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self.started = self.ended = False

    @property
    def services(self) -> Services:
        """What the application was composed of."""
        services: Services = self.scope["app"].state.services
        return services

    @property
    def method(self) -> str:
        """The request's method in capitals."""
        return str(self.scope["method"])

    def header(self, name: str) -> str | None:
        """The last header of this name, or None."""
        value = self._headers.get(name.lower().encode("latin-1"))
        return None if value is None else value.decode("latin-1")

    def raw_header(self, name: str) -> bytes | None:
        """The header's bytes, for values that hold UTF-8."""
        return self._headers.get(name.lower().encode("latin-1"))

    def query(self) -> list[tuple[str, str]]:
        """The query's fields in order."""
        try:
            text = self.scope["query_string"].decode("ascii")
            return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=200)
        except ValueError:
            raise BadRequest("The query string is not percent-encoded UTF-8 of at most 200 fields.") from None

    def content_length(self) -> int | None:
        """The announced length of the body in bytes; None when it is sent in chunks."""
        value = self.header("content-length")
        return int(value) if value is not None and value.isdecimal() else None

    async def authenticate(self) -> Principal:
        """Who is asking; raises unless the token is valid and carries the scopes that the route demands."""
        assert self._rights is not None, "the route declares no rights"
        verifier: TokenVerifier = self.scope["app"].state.verifier
        principal = await verifier.authenticate(
            self.header("authorization"),
            self.header(identity.ACTING_FOR_HEADER),
            self.header(identity.ACTING_FROM_HEADER),
        )
        return self._rights.check(principal)

    def body(self) -> "Body":
        """The body as it arrives."""
        return Body(self._receive, self._read_into)

    async def whole(self, limit_bytes: int) -> bytes:
        """The body in one piece; `BodyTooLarge` when it has more than `limit_bytes`."""
        if (self.content_length() or 0) > limit_bytes:
            raise BodyTooLarge(f"The body may have {limit_bytes} bytes.")
        body = bytearray()
        async for chunk in self.body():
            body += chunk
            if len(body) > limit_bytes:
                raise BodyTooLarge(f"The body may have {limit_bytes} bytes.")
        return bytes(body)

    async def gone(self) -> None:
        """Return when the receiver has gone away: writes to it fail silently. What is left of its body is dropped."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Headers) -> None:
        """Send the status and headers; chunks follow by `write`."""
        self.started = True
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, chunk: bytes | memoryview | FileSpan, *, more: bool = True) -> None:
        """Send a part of the answer's body; waits while the receiver is slow.

        A `FileSpan` is a part of an answer with an announced length, and its file is ready to be read at once.
        """
        if isinstance(chunk, FileSpan):
            if self._send_file:
                await self._send_file(chunk)
                chunk = b""
            else:
                chunk = bytes(chunk)
        self.ended = not more
        if chunk or not more:
            await self._send({"type": "http.response.body", "body": chunk, "more_body": more})

    async def answer(self, status: int, headers: Headers = (), body: bytes = b"") -> None:
        """Send a whole answer. A 304 has no length of its own (RFC 9110 section 8.6)."""
        length = [("content-length", str(len(body)))] if status != 304 else []
        await self.start(status, [*headers, *length])
        await self.write(b"" if self.method == "HEAD" else body, more=False)

    async def answer_json(self, status: int, document: bytes | BaseModel, headers: Headers = ()) -> None:
        """Send a JSON document."""
        body = document if isinstance(document, bytes) else document.model_dump_json(exclude_none=True).encode()
        await self.answer(status, [("content-type", "application/json"), *headers], body)

    async def answer_error(self, error: ArtStoreError, request_id: str) -> None:
        """Send a problem document (RFC 9457)."""
        body = error.problem(request_id).model_dump_json(exclude_defaults=True).encode()
        headers = {"content-type": "application/problem+json", **PROBLEM_HEADERS, **error.headers}
        await self.answer(error.status, list(headers.items()), body)


class Body:
    """A request's body as it arrives, in chunks or into memory. `IncompleteBody` when the sender goes too early."""

    def __init__(self, receive: Receive, read_into: ReadInto | None = None) -> None:
        self._receive = receive
        self._read_into = read_into
        self._begun = self._ended = False
        self._rest = memoryview(b"")

    @classmethod
    def of(cls, content: bytes) -> Self:
        """One that has come whole."""

        async def receive() -> Message:
            return {"type": "http.request", "body": content}

        return cls(receive)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._rest:
            rest, self._rest = self._rest, memoryview(b"")
            return bytes(rest)
        while not self._ended:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise IncompleteBody("The connection was closed before the body was complete.")
            self._begun = True
            self._ended = not message.get("more_body", False)
            chunk: bytes = message.get("body", b"")
            if chunk:
                return chunk
        raise StopAsyncIteration

    async def read_into(self, memory: memoryview) -> int:
        """Fill `memory` with the body's next bytes; the number of bytes, which is less only at the body's end."""
        filled = 0
        while filled < len(memory):
            if self._rest:
                length = min(len(self._rest), len(memory) - filled)
                memory[filled : filled + length] = self._rest[:length]
                self._rest = self._rest[length:]
            elif self._begun and self._read_into:
                # The first message is received, so that a sender that waits for "100 Continue" gets it.
                length = await self._read_into(memory[filled:])
                if length < len(memory) - filled:
                    self._read_into = None
            elif (chunk := await anext(self, None)) is not None:
                self._rest, length = memoryview(chunk), 0
            else:
                break
            filled += length
        return filled


@dataclass(frozen=True)
class ByteRoute[Services]:
    """A route of the byte path. `openapi` is its operation object, shown in the service's OpenAPI document.

    `rights` is what `Exchange.authenticate` demands; a public route has none, and says so by `PUBLIC` in `openapi`.
    """

    methods: Sequence[str]
    path: str
    handler: Callable[[Exchange[Services]], Awaitable[None]]
    openapi: Mapping[str, Any]
    rights: Rights | None = None
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(pattern))

    def operation(self) -> dict[str, Any]:
        """The operation object with what the route demands."""
        return {**self.openapi, **(self.rights.declared() if self.rights else {})}

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """The path's parameters when this route answers `method` on `path`."""
        if method not in self.methods:
            return None
        found = self.pattern.fullmatch(path)
        return found.groupdict() if found else None
