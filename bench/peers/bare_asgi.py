"""The floor of the server: a plain ASGI application that discards or hashes what comes, or sends a file from memory."""

import hashlib
import mmap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bench.peers import given_settings

PIECE_BYTES = 2**20
HASHED = "/hashed/"

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]


class Settings(BaseModel):
    """The file that every GET brings; it is mapped, so that no byte is copied before the socket."""

    file: Path


class BareAsgi:
    """No route, no token, no disk."""

    def __init__(self, content: memoryview) -> None:
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of any path."""
        if scope["type"] != "http":
            return
        if scope["method"] == "GET":
            await self._bring(send)
        elif scope["path"].startswith(HASHED):
            await _hash(receive, send)
        else:
            while (await receive()).get("more_body", False):
                pass
            await _answer(send, 201, 0)
            await send({"type": "http.response.body", "body": b""})

    async def _bring(self, send: Send) -> None:
        size = len(self._content)
        await _answer(send, 200, size)
        for begin in range(0, size, PIECE_BYTES):
            piece = self._content[begin : begin + PIECE_BYTES]
            await send({"type": "http.response.body", "body": piece, "more_body": begin + PIECE_BYTES < size})


async def _hash(receive: Receive, send: Send) -> None:
    hasher = hashlib.sha256()
    while True:
        message = await receive()
        hasher.update(message.get("body", b""))
        if not message.get("more_body", False):
            break
    document = b'{"sha256":"%s"}' % hasher.hexdigest().encode()
    await _answer(send, 201, len(document))
    await send({"type": "http.response.body", "body": document})


async def _answer(send: Send, status: int, size: int) -> None:
    headers = [(b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})


def create_app() -> BareAsgi:
    """Made in the peer's own process."""
    with given_settings(Settings).file.open("rb") as file:
        return BareAsgi(memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)))
