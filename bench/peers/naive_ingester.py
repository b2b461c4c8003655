"""An ingester as one writes it first: the whole body in memory, a full token check, and httpx to the element."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel

from artstore_kit.contracts.files import ATTRIBUTES_HEADER, FileAttributes, UploadAttributes
from artstore_kit.contracts.ids import new_file_id
from bench.peers import given_settings
from bench.peers.token_check import Claims, checker


class Settings(BaseModel):
    """Where files go, and who is believed."""

    element_url: str
    issuer: str


def create_app() -> FastAPI:
    """Made in the peer's own process."""
    settings = given_settings(Settings)
    check = checker(settings.issuer)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=settings.element_url, timeout=60) as client:
            app.state.client = client
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/api/v1/files", status_code=201)
    async def upload(
        request: Request,
        _: Annotated[Claims, Depends(check)],
        attributes: Annotated[str, Header(alias="x-artstore-attributes")],
    ) -> FileAttributes:
        given = UploadAttributes.model_validate_json(attributes)
        content = await request.body()
        headers = {"Authorization": request.headers["authorization"], ATTRIBUTES_HEADER: given.model_dump_json()}
        stored = await app.state.client.put(f"/api/v1/files/{new_file_id()}", content=content, headers=headers)
        file = FileAttributes.model_validate_json(stored.raise_for_status().content)
        if file.content.sha256 != hashlib.sha256(content).hexdigest():
            raise HTTPException(502)
        return file

    return app
