"""A small OpenTelemetry collector: keeps the spans that it is sent over OTLP/HTTP."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


@dataclass(frozen=True)
class SeenSpan:
    """A span; ids in hexadecimal, `parent_id` empty at the root, `kind` as in the protocol (2 server, 3 client)."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    failed: bool
    attributes: dict[str, str | int]


class OtlpSink:
    """`with OtlpSink() as sink`: point `ARTSTORE_TRACING__OTLP_ENDPOINT` at `sink.url` and read `sink.spans`."""

    def __init__(self) -> None:
        self.spans: list[SeenSpan] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.spans))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, wanted: Callable[[SeenSpan], bool], timeout_s: float = 10) -> SeenSpan:
        """The first span that is wanted, as soon as it has come."""
        give_up_at = time.monotonic() + timeout_s
        while time.monotonic() < give_up_at:
            for span in list(self.spans):
                if wanted(span):
                    return span
            time.sleep(0.02)
        raise TimeoutError(f"no such span among {[(span.service, span.name) for span in self.spans]}")

    def trace(self, trace_id: str) -> list[SeenSpan]:
        """All spans of a trace that have come so far."""
        return [span for span in list(self.spans) if span.trace_id == trace_id]


def _handler(spans: list[SeenSpan]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            spans.extend(_decoded(ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    return Handler


def _decoded(request: ExportTraceServiceRequest) -> Iterator[SeenSpan]:
    for group in request.resource_spans:
        service = str(_attributes(group.resource.attributes).get("service.name", ""))
        for span in (span for scope in group.scope_spans for span in scope.spans):
            yield SeenSpan(
                service=service,
                name=span.name,
                kind=span.kind,
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                parent_id=span.parent_span_id.hex(),
                failed=span.status.code == span.status.STATUS_CODE_ERROR,
                attributes=_attributes(span.attributes),
            )


def _attributes(pairs: "list[KeyValue]") -> dict[str, str | int]:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in pairs}
