"""Logs: one JSON object a line on standard output, each a fixed phrase with fields, bound once a request."""

import logging
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any, TextIO, cast

import structlog
from prometheus_client import Counter
from pydantic_core import to_json

from artstore_kit.request_context import request_id
from artstore_kit.settings import LogSettings

LOST = Counter("artstore_log_lines_lost_total", "Log lines that could not be written, for instance to a full disk")
_SECRET_WORDS = ("password", "secret", "token", "authorization", "private_key", "cookie")


def start_logging(service: str, settings: LogSettings, to: TextIO | None = None) -> None:
    """Send structlog's and the standard library's events to one stream, standard output, named after `service`.

    A line that cannot be written is counted, and fails nobody.
    """
    stream = cast(TextIO, _Counting(to or sys.stdout))
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_context(service),
        _without_secrets,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(_as_json)],
        wrapper_class=structlog.make_filtering_bound_logger(settings.level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(_as_json),
            ],
        )
    )
    logging.basicConfig(
        handlers=[handler], level=max(logging.WARNING, logging.getLevelName(settings.level)), force=True
    )


def event_logger() -> structlog.typing.FilteringBoundLogger:
    """The logger that every room uses: `event_logger().info("file stored", file_id=...)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


class _Counting:
    """A stream whose failures do not reach whoever only wants to tell something."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            LOST.inc()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            LOST.inc()


def _with_context(service: str) -> structlog.typing.Processor:
    def add(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        if current := request_id.get():
            event.setdefault("request_id", current)
        return event

    return add


def _without_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last line of defence: a field that is named like a secret is never written."""
    for name in event:
        if _is_secret(name):
            event[name] = "[removed]"
    return event


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


def _as_json(event: object, **_: object) -> str:
    return to_json(event, bytes_mode="base64", fallback=repr).decode()
