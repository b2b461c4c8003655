"""A storage element as one writes it first: each file is synced four times, has its own row and its own Redis call."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Depends, FastAPI, Header, Request
from pydantic import BaseModel
from redis.asyncio import Redis

from artstore_kit.contracts.files import Content, ElementStamp, FileAttributes, UploadAttributes
from bench.peers import given_settings
from bench.peers.token_check import Claims, checker

TABLE = "CREATE TABLE IF NOT EXISTS files (file_id uuid PRIMARY KEY, attributes json NOT NULL)"
INSERT = "INSERT INTO files (file_id, attributes) VALUES ($1, $2)"
CHANNEL = "bench:naive"
POOL_SIZE = 8


class Settings(BaseModel):
    """Where it keeps things, and whom it believes."""

    directory: Path
    postgres_url: str
    redis_url: str
    issuer: str


def create_app() -> FastAPI:
    """Made in the peer's own process."""
    settings = given_settings(Settings)
    check = checker(settings.issuer)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(settings.postgres_url, min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
            await pool.execute(TABLE)
            app.state.pool, app.state.redis = pool, Redis.from_url(settings.redis_url)
            yield
            await app.state.redis.aclose()

    app = FastAPI(lifespan=lifespan)

    @app.put("/api/v1/files/{file_id}", status_code=201)
    async def put(
        file_id: UUID,
        request: Request,
        claims: Annotated[Claims, Depends(check)],
        attributes: Annotated[str, Header(alias="x-artstore-attributes")],
    ) -> FileAttributes:
        content = await request.body()
        file = _described(file_id, UploadAttributes.model_validate_json(attributes), content, str(claims["sub"]))
        await asyncio.to_thread(_store, settings.directory, file, content)
        await app.state.pool.execute(INSERT, file_id, file.to_json().decode())
        await app.state.redis.publish(CHANNEL, json.dumps({"file_id": str(file_id)}))
        return file

    return app


def _described(file_id: UUID, given: UploadAttributes, content: bytes, uploaded_by: str) -> FileAttributes:
    sha256, size = hashlib.sha256(content).hexdigest(), len(content)
    stored = Content(name=given.name, size=size, sha256=sha256, stored_size=size, stored_sha256=sha256)
    return FileAttributes(
        schema=1,
        file_id=file_id,
        content=stored,
        uploaded_by=uploaded_by,
        uploaded_at=datetime.now(UTC),
        element=ElementStamp(id="naive", epoch=1, lsn=1),
    )


def _store(directory: Path, file: FileAttributes, content: bytes) -> None:
    """Two files, each put in place by an atomic rename: two syncs a file."""
    place = directory / f"{file.uploaded_at:%Y%m%d%H%M}"
    place.mkdir(exist_ok=True)
    _put_in_place(place / f"{file.file_id}.v1", content)
    _put_in_place(place / f"{file.file_id}.attr.json", file.to_json())


def _put_in_place(path: Path, data: bytes) -> None:
    fresh = path.with_name(f".{path.name}")
    with fresh.open("wb") as written:
        written.write(data)
        written.flush()
        os.fsync(written.fileno())
    fresh.rename(path)
    names = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(names)
    finally:
        os.close(names)
