"""Logs: what a line says, and that a log that cannot be written stops nobody."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from prometheus_client import REGISTRY

from artstore_kit.logs import event_logger, start_logging
from artstore_kit.settings import LogSettings


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    structlog_before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    logging.root.handlers.clear()
    yield
    structlog.configure(**structlog_before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lost() -> float:
    return REGISTRY.get_sample_value("artstore_log_lines_lost_total") or 0.0


def test_a_line_is_an_object_and_says_no_secret() -> None:
    to = io.StringIO()
    start_logging("tester", LogSettings(), to)
    event_logger().info("file stored", size_bytes=7, service_token="abc")
    logging.getLogger("library").warning("of a library")
    ours, theirs = map(json.loads, to.getvalue().splitlines())
    assert ours.items() >= {"event": "file stored", "service": "tester", "size_bytes": 7, "level": "info"}.items()
    assert ours["service_token"] == "[removed]"
    assert (theirs["event"], theirs["service"]) == ("of a library", "tester")


def test_a_full_disk_costs_lines_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    before = lost()
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 (closing it fails, too)
    start_logging("tester", LogSettings(), full)
    for _ in range(3):
        event_logger().error("storage fault")
        logging.getLogger("library").error("of a library")
    assert lost() - before >= 6
    assert capfd.readouterr().err == ""
    with pytest.raises(OSError, match="No space left"):
        full.close()
