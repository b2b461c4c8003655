"""W3C trace context through every hop, and OpenTelemetry spans when a collector is set."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from artstore_kit import request_context
from artstore_kit.settings import TracingSettings

EXPORT_TIMEOUT_S = 3.0
QUEUE_SPANS = 4096
"""More spans than this are dropped, so that a slow collector costs spans and never memory or time."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_W3C = TraceContextTextMapPropagator()
_tracers: list[Tracer] = []
"""The tracer of this process while tracing is on; the last one started, as OpenTelemetry itself would have it."""


@asynccontextmanager
async def start_tracing(service_name: str, settings: TracingSettings) -> AsyncIterator[None]:
    """While this is open, spans go to the collector that `settings` names; without one nothing happens at all."""
    if settings.otlp_endpoint is None:
        yield
        return
    endpoint = str(settings.otlp_endpoint).rstrip("/").removesuffix("/v1/traces")
    exporter = OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=EXPORT_TIMEOUT_S)
    provider = _provider(service_name, settings.sample_ratio, exporter)
    tracer = provider.get_tracer("artstore")
    _tracers.append(tracer)
    try:
        yield
    finally:
        _tracers.remove(tracer)
        await _close(provider, exporter)


@dataclass(frozen=True)
class CallSpan:
    """A request being answered or a call being made; without a recording span it only carries the headers on."""

    span: Span | None = None

    def set_status(self, status: int, route: str = "") -> None:
        """How it ended, and the route that names the span."""
        if self.span is None:
            return
        self.span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self.span.set_status(StatusCode.ERROR)
        if route:
            self.span.set_attribute("http.route", route)
            self.span.update_name(f"{_method(self.span)} {route}")

    def headers(self) -> dict[str, str]:
        """`traceparent` and `tracestate` for what is called within this span."""
        if self.span is None:
            return _passed_on()
        headers: dict[str, str] = {}
        _W3C.inject(headers, set_span_in_context(self.span))
        return headers


_NOTHING = CallSpan()


def server_span(method: str, headers: Mapping[bytes, bytes]) -> AbstractContextManager[CallSpan]:
    """Around the answering of a request with these headers."""
    carried = {
        name: value.decode("latin-1") for name in ("traceparent", "tracestate") if (value := headers.get(name.encode()))
    }
    if _tracers:
        return _recorded(_tracers[-1], method, carried)
    if _TRACEPARENT.fullmatch(carried.get("traceparent", "")):
        return _carried_on(carried)
    return nullcontext(_NOTHING)


@contextmanager
def client_span(method: str, url: str) -> Iterator[CallSpan]:
    """Around a call to another service; send `headers()` with it."""
    if not _tracers:
        yield _NOTHING
        return
    attributes = {"http.request.method": method, "url.full": url}
    # Not made the current span: a streamed answer may be closed by another task than opened it.
    span = _tracers[-1].start_span(method, kind=SpanKind.CLIENT, attributes=attributes)
    try:
        yield CallSpan(span)
    except BaseException as error:
        span.set_status(StatusCode.ERROR, type(error).__name__)
        raise
    finally:
        span.end()


def current_headers() -> dict[str, str]:
    """`traceparent` and `tracestate` of the request being answered, to be sent on; empty when there are none."""
    if not _tracers:
        return _passed_on()
    headers: dict[str, str] = {}
    _W3C.inject(headers)
    return headers


@contextmanager
def _recorded(tracer: Tracer, method: str, carried: dict[str, str]) -> Iterator[CallSpan]:
    with tracer.start_as_current_span(
        method, _W3C.extract(carried), SpanKind.SERVER, {"http.request.method": method}
    ) as span:
        yield CallSpan(span)


@contextmanager
def _carried_on(carried: dict[str, str]) -> Iterator[CallSpan]:
    parent = request_context.traceparent.set(carried["traceparent"])
    state = request_context.tracestate.set(carried.get("tracestate", ""))
    try:
        yield _NOTHING
    finally:
        request_context.tracestate.reset(state)
        request_context.traceparent.reset(parent)


def _passed_on() -> dict[str, str]:
    found = {"traceparent": request_context.traceparent.get(), "tracestate": request_context.tracestate.get()}
    return {name: value for name, value in found.items() if value}


def _method(span: Span) -> str:
    attributes: Mapping[str, object] = getattr(span, "attributes", None) or {}
    return str(attributes.get("http.request.method", ""))


async def _close(provider: TracerProvider, exporter: OTLPSpanExporter) -> None:
    """Send what is waiting; what cannot be sent within `EXPORT_TIMEOUT_S` is dropped."""
    sending = asyncio.create_task(asyncio.to_thread(provider.shutdown))
    _, late = await asyncio.wait([sending], timeout=EXPORT_TIMEOUT_S)
    if late:
        exporter.shutdown()  # type: ignore[no-untyped-call]
    await sending


def _provider(service_name: str, sample_ratio: float, exporter: OTLPSpanExporter) -> TracerProvider:
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
        resource=Resource({"service.name": service_name}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=QUEUE_SPANS, schedule_delay_millis=1000, max_export_batch_size=512)
    )
    return provider
