"""One trace, and one request id, go through every service that has a part in an answer."""

import secrets

import httpx
import pytest

from artstore_kit.testing.otlp import OtlpSink, SeenSpan
from tests.fleet.access_log import of_request
from tests.fleet.documents import KIB
from tests.fleet.wire import Wire

SERVER = 2


@pytest.mark.parametrize(("size_bytes", "route"), [(10, "/api/v1/files"), (300 * KIB, "/api/v1/files/{file_id}")])
async def test_an_upload_is_one_trace_through_ingester_and_element(
    wire: Wire, sink: OtlpSink, size_bytes: int, route: str
) -> None:
    trace = _Trace()

    answer = await wire.upload(bytes(size_bytes), headers=trace.headers)

    assert answer.status_code == 201
    outer = sink.wait_for(lambda span: trace.holds(span, "ingester-module"))
    inner = sink.wait_for(lambda span: trace.holds(span, "storage-element"))
    assert outer.parent_id == trace.parent_id
    assert _ancestors(sink, inner)[-1].span_id == outer.span_id
    assert (outer.name, inner.name) == ("POST /api/v1/files", f"PUT {route}")
    _same_request_id(wire, answer, "ingester", "edit-1")


async def test_a_download_is_one_trace_through_query_and_element(wire: Wire, sink: OtlpSink) -> None:
    trace = _Trace()
    file_id = (await wire.upload(b"traced")).json()["file_id"]

    answer = await wire.ask("GET", "query", f"/files/{file_id}/content", headers=trace.headers)

    assert answer.content == b"traced"
    outer = sink.wait_for(lambda span: trace.holds(span, "query-module"))
    inner = sink.wait_for(lambda span: trace.holds(span, "storage-element") and "content" in span.name)
    assert outer.parent_id == trace.parent_id
    assert _ancestors(sink, inner)[-1].span_id == outer.span_id
    _same_request_id(wire, answer, "query", "edit-1")


async def test_a_request_id_that_was_given_is_kept(wire: Wire) -> None:
    given = f"journey-{secrets.token_hex(4)}"
    answer = await wire.upload(b"-", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given
    _same_request_id(wire, answer, "ingester", "edit-1")


class _Trace:
    """A trace that a client began."""

    def __init__(self) -> None:
        self.trace_id = secrets.token_hex(16)
        self.parent_id = secrets.token_hex(8)
        self.headers = {"traceparent": f"00-{self.trace_id}-{self.parent_id}-01"}

    def holds(self, span: SeenSpan, service: str) -> bool:
        """Whether this is the answering of a request of this trace by `service`."""
        return (span.trace_id, span.service, span.kind) == (self.trace_id, service, SERVER)


def _ancestors(sink: OtlpSink, span: SeenSpan) -> list[SeenSpan]:
    """The spans that `span` lies in, as far as the services know them."""
    known = {each.span_id: each for each in sink.trace(span.trace_id)}
    ancestors = []
    while (span := known.get(span.parent_id, span)) not in ancestors and span.parent_id:
        ancestors.append(span)
    return ancestors


def _same_request_id(wire: Wire, answer: httpx.Response, *names: str) -> None:
    for name in names:
        assert of_request(wire.fleet, name, answer.headers["X-Request-ID"]) != []
