"""Trace context through hops: recorded for a collector, or only passed on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from pydantic import AnyHttpUrl
from starlette.types import Receive, Scope, Send

from artstore_kit.bytestream import ByteClient
from artstore_kit.callee import Callee
from artstore_kit.outbound import Outbound
from artstore_kit.settings import TracingSettings
from artstore_kit.testing.application import free_port, open_server
from artstore_kit.testing.otlp import OtlpSink
from artstore_kit.tracing import EXPORT_TIMEOUT_S, current_headers, server_span, start_tracing

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
INCOMING = {b"traceparent": TRACEPARENT.encode(), b"tracestate": b"vendor=1"}
ROUTE = "/things/{id}"


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    with OtlpSink() as sink:
        yield sink


def _settings(url: str | None) -> TracingSettings:
    return TracingSettings(otlp_endpoint=AnyHttpUrl(url) if url else None)


@asynccontextmanager
async def _next_hop() -> AsyncIterator[tuple[Outbound, ByteClient, list[dict[bytes, bytes]]]]:
    """Clients of a service that answers 200 and remembers headers."""
    seen: list[dict[bytes, bytes]] = []

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(dict(scope["headers"]))
        with server_span(scope["method"], seen[-1]) as span:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
            span.set_status(200, ROUTE)

    async with open_server(answer, lifespan=False) as url:
        callee = Callee("next", url)
        async with Outbound(callee) as outbound, ByteClient(callee) as contents:
            yield outbound, contents, seen


async def test_without_a_collector_the_context_is_only_passed_on() -> None:
    async with _next_hop() as (outbound, contents, seen), start_tracing("first", _settings(None)):
        with server_span("GET", INCOMING):
            assert current_headers() == {"traceparent": TRACEPARENT, "tracestate": "vendor=1"}
            await outbound.call("GET", "/things/1")
            async with contents.get("/things/1"):
                pass
        assert current_headers() == {}
    assert [headers[b"traceparent"] for headers in seen] == [TRACEPARENT.encode()] * 2


@pytest.mark.parametrize("headers", [{}, {b"traceparent": b"nonsense"}])
async def test_without_a_collector_nothing_is_made_up(headers: dict[bytes, bytes]) -> None:
    with server_span("GET", headers) as span:
        span.set_status(500)
        assert current_headers() == span.headers() == {}


async def test_a_collector_sees_one_trace_over_all_hops(sink: OtlpSink) -> None:
    async with _next_hop() as (outbound, contents, _), start_tracing("first", _settings(sink.url)):
        with server_span("POST", INCOMING) as span:
            await outbound.call("GET", "/things/1")
            async with contents.get("/things/1"):
                pass
            span.set_status(503, "/files")
    spans = sink.trace(TRACE_ID)
    [first] = [span for span in spans if span.name == "POST /files"]
    calls = [span for span in spans if span.kind == 3]
    answers = [span for span in spans if span.name == f"GET {ROUTE}"]
    assert (first.service, first.parent_id, first.failed) == ("first", "b7ad6b7169203331", True)
    assert [call.parent_id for call in calls] == [first.span_id] * 2
    assert {answer.parent_id for answer in answers} == {call.span_id for call in calls}
    assert first.attributes["http.response.status_code"] == 503


async def test_a_collector_that_is_gone_holds_nothing_up() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with start_tracing("first", _settings(f"http://127.0.0.1:{free_port()}")):
        for _ in range(2_000):
            with server_span("GET", {}) as span:
                span.set_status(200)
        recorded = loop.time()
    closed = loop.time()
    # Four batches, each given up after EXPORT_TIMEOUT_S, would take twelve seconds.
    assert recorded - began < EXPORT_TIMEOUT_S
    assert closed - recorded < 2 * EXPORT_TIMEOUT_S
