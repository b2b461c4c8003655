"""Prometheus metrics of HTTP, and the endpoint that shows all metrics of the process."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Gauge, Histogram, generate_latest

from artstore_kit.rights import PUBLIC

REQUESTS = Counter("artstore_http_requests_total", "HTTP requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "artstore_http_request_seconds",
    "Time from the request's first byte to the answer's last",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
UNDER_WAY = Gauge("artstore_http_requests_under_way", "HTTP requests being answered")
RECEIVED_BYTES = Counter("artstore_http_received_bytes_total", "Bytes of request bodies", ["route"])
SENT_BYTES = Counter("artstore_http_sent_bytes_total", "Bytes of answer bodies", ["route"])


def metrics_router() -> APIRouter:
    """`GET /metrics` in Prometheus' text format."""
    router = APIRouter(tags=["health"])

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
        openapi_extra=PUBLIC,
    )
    async def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router
