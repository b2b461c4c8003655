"""What senders may say: nothing that a reader, a header or a database could not carry later."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel, ValidationError

from artstore_kit.application import Application, build_app
from artstore_kit.contracts.errors import BadCursor, InvalidFields
from artstore_kit.contracts.files import AttributeChanges, UploadAttributes
from artstore_kit.contracts.ids import LATEST_MS, moment_of, new_file_id, parse_file_id
from artstore_kit.contracts.paging import decode_cursor
from artstore_kit.exchange import ByteRoute, Exchange
from artstore_kit.frame import BODY_LIMIT_BYTES
from artstore_kit.settings import ServerSettings, ServiceSettings, TokenSettings
from artstore_kit.testing.application import open_client
from artstore_kit.testing.tokens import TokenMint


def nested(levels: int) -> str:
    return '{"name": "a", "metadata": ' + '{"a":' * levels + "1" + "}" * levels + "}"


@pytest.mark.parametrize(
    "given",
    [
        {"media_type": "текст/html"},
        {"retention": {"policy": "p", "unknown": "\0"}},
        {"holds": [{"id": "h", "unknown": 1}]},
        {"retention": {"retain_until": "9999-12-31T23:59:59-12:00"}},
        {"retention": {"retain_until": "2030-01-01T00:00:00"}},
        {"metadata": {"a": "\0"}},
    ],
)
def test_attributes_that_no_reader_could_carry_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        UploadAttributes.model_validate_json(json.dumps({"name": "a", **given}))


def test_metadata_has_a_depth() -> None:
    UploadAttributes.model_validate_json(nested(16))
    for levels in (17, 100):
        with pytest.raises(ValidationError):
            UploadAttributes.model_validate_json(nested(levels))


def test_times_are_kept_in_utc() -> None:
    changes = AttributeChanges.model_validate({"retention": {"retain_until": "2030-01-01T03:00:00+03:00"}})
    assert '"2030-01-01T00:00:00Z"' in changes.model_dump_json()


def test_an_id_has_a_moment_that_can_be_written() -> None:
    latest = new_file_id(LATEST_MS)
    assert parse_file_id(str(latest)) == latest
    assert moment_of(latest).year == 9999
    with pytest.raises(InvalidFields):
        parse_file_id(str(new_file_id(LATEST_MS + 1)))


@pytest.mark.parametrize("text", [b"[" * 100_000, b"[1,2]", b"{}", b"", b"\xff"])
def test_a_cursor_that_was_not_given_out_is_refused(text: bytes) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(base64.urlsafe_b64encode(text).decode(), 1)


class Body(BaseModel):
    number: int


def frame() -> Application:
    router = APIRouter(prefix="/numbers")

    @router.post("")
    async def number(body: Body) -> Body:
        return body

    async def unchanged(exchange: Exchange[None]) -> None:
        await exchange.answer(304)

    @asynccontextmanager
    async def nothing(_: object) -> AsyncIterator[None]:
        yield

    return build_app(
        "frame",
        settings=ServiceSettings(server=ServerSettings(port=0), tokens=TokenSettings(issuer="http://admin.test")),
        open_services=nothing,
        routers=[router],
        byte_routes=[ByteRoute(["GET"], "/unchanged", unchanged, {})],
        checks=lambda _: [],
        issuer=lambda _: TokenMint(),
    )


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(frame()) as client:
        yield client


async def test_a_body_that_is_held_in_memory_has_a_limit(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * (BODY_LIMIT_BYTES // 2)

    for body in (b" " * (BODY_LIMIT_BYTES + 1), chunks()):
        answer = await client.post("/api/v1/numbers", content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert (await client.post("/api/v1/numbers", json={"number": 1})).json() == {"number": 1}


async def test_a_304_has_no_length(client: httpx.AsyncClient) -> None:
    answer = await client.get("/unchanged")
    assert (answer.status_code, "content-length" in answer.headers) == (304, False)
