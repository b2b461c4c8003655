"""The framework as its tutorial shows it: a FastAPI route that discards or hashes a stream, or answers with a file."""

import hashlib
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel

from bench.peers import given_settings


class Settings(BaseModel):
    """The file that is brought: by `/file` from the disk, by `/document` from memory."""

    file: Path


class Discarded(BaseModel):
    """What a discarded upload is answered with."""

    size: int


class Hashed(Discarded):
    """What a hashed upload is answered with."""

    sha256: str


def create_app() -> FastAPI:
    """Made in the peer's own process."""
    path = given_settings(Settings).file
    app = FastAPI()

    @app.put("/hashed/{name}", status_code=201)
    async def hash_it(request: Request) -> Hashed:
        hasher, size = hashlib.sha256(), 0
        async for chunk in request.stream():
            hasher.update(chunk)
            size += len(chunk)
        return Hashed(size=size, sha256=hasher.hexdigest())

    @app.put("/{name:path}", status_code=201)
    @app.post("/{name:path}", status_code=201)
    async def discard(request: Request) -> Discarded:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
        return Discarded(size=size)

    @app.get("/file")
    async def bring_file() -> FileResponse:
        return FileResponse(path)

    document = path.read_bytes() if path.stat().st_size <= 2**20 else b""

    @app.get("/document")
    async def bring_document() -> Response:
        return Response(document, media_type="application/json")

    return app
