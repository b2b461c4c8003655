"""After all journeys: every route was reached, and no log or span says a secret."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from artstore_kit.testing.otlp import OtlpSink
from tests.fleet.access_log import everything, requests
from tests.fleet.people import SECRETS_GIVEN
from tests.fleet.wire import Wire
from tools.fleet.fleet import Fleet
from tools.fleet.layout import ROOT

PARTS = {
    "admin-module": ("admin",),
    "storage-element": ("edit-1", "rw-1"),
    "ingester-module": ("ingester",),
    "query-module": ("query",),
}
QUIET = ("/health/", "/metrics")
"""Not in the access log: asked here."""
TOKEN = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.")
PRIVATE_KEY = re.compile("BEGIN [A-Z ]*PRIVATE KEY")
NO_SECRETS = {"accounts.json", "administrator-password-was-shown"}


@pytest.mark.parametrize("service", PARTS)
async def test_every_route_was_reached_with_success(fleet: Fleet, service: str) -> None:
    document = json.loads((ROOT / service / "openapi.json").read_text())
    promised = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}

    reached = {each for part in PARTS[service] for each in _reached(fleet, part)}

    assert {each for each in promised if not each[1].startswith(QUIET)} - reached == set()


@pytest.mark.parametrize("part", [part for parts in PARTS.values() for part in parts])
async def test_every_service_tells_how_it_is(wire: Wire, part: str) -> None:
    url, service = wire.fleet.url(part), next(name for name, parts in PARTS.items() if part in parts)

    live, ready, metrics, served = [
        await wire.client.get(f"{url}{path}") for path in ("/health/live", "/health/ready", "/metrics", "/openapi.json")
    ]

    assert (live.json()["health"], ready.json()["health"]) == ("ok", "ok")
    assert "artstore_http_requests_total{" in metrics.text
    assert served.json() == json.loads((ROOT / service / "openapi.json").read_text())


async def test_nothing_failed_inside(fleet: Fleet) -> None:
    """Refusals are answers; 500 and a traceback are defects."""
    failed = [line for parts in PARTS.values() for part in parts for line in requests(fleet, part) if _is_defect(line)]
    traces = Counter(f"{log.name}: {line[:500]}" for log, line in everything(fleet) if "Traceback" in line)

    assert failed == []
    assert traces == Counter()


async def test_no_log_says_a_secret(fleet: Fleet) -> None:
    secrets = {*_kept_secrets(fleet.layout.secrets), *SECRETS_GIVEN}
    told = [(log.name, line[:80]) for log, line in everything(fleet) if _says_one(line, secrets)]

    assert len(secrets) > 10
    assert told == []


async def test_no_span_says_a_secret(fleet: Fleet, sink: OtlpSink) -> None:
    secrets = {*_kept_secrets(fleet.layout.secrets), *SECRETS_GIVEN}

    assert len(sink.spans) > 1000
    assert [span for span in sink.spans if _says_one(repr(span), secrets)] == []


def _reached(fleet: Fleet, part: str) -> Iterator[tuple[str, str]]:
    return ((line["method"], line["route"]) for line in requests(fleet, part) if line["status"] < 400)


def _is_defect(line: dict[str, object]) -> bool:
    return line["status"] == 500 or line.get("code") == "internal_error"


def _kept_secrets(directory: Path) -> Iterator[str]:
    return (path.read_text() for path in directory.iterdir() if path.name not in NO_SECRETS)


def _says_one(text: str, secrets: set[str]) -> bool:
    return bool(TOKEN.search(text) or PRIVATE_KEY.search(text)) or any(secret in text for secret in secrets)
