"""An answer or a broken connection as the error that it means."""

import json
import os
from collections.abc import Mapping
from http import HTTPStatus

import aiohttp
from pydantic import ValidationError

from artstore_kit.contracts import errors
from artstore_kit.contracts.errors import ArtStoreError, DeadlineExceeded, DependencyUnavailable, Problem

REQUEST_ID_HEADER = "X-Request-ID"
RETRY_AFTER_HEADER = "Retry-After"
_KEPT_HEADERS = (REQUEST_ID_HEADER, RETRY_AFTER_HEADER)
_TABLE = errors.error_table()
# What a proxy in between answers, which knows nothing of our codes.
_BY_STATUS: dict[int, type[ArtStoreError]] = {
    400: errors.BadRequest,
    401: errors.NotAuthenticated,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    412: errors.RevisionMismatch,
    413: errors.FileTooLarge,
    416: errors.RangeNotSatisfiable,
    429: DependencyUnavailable,
    502: DependencyUnavailable,
    503: DependencyUnavailable,
    504: DeadlineExceeded,
}


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> ArtStoreError:
    """The error that an answer of 300 and above stands for; its `headers` hold the request id."""
    kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        return _without_problem(status, kept, body)
    kind = _TABLE.get(problem.code) or _BY_STATUS.get(status, ArtStoreError)
    kept.setdefault(REQUEST_ID_HEADER, problem.request_id)
    error = kind(problem.detail, errors=problem.errors, headers=kept)
    error.extra.update(problem.model_extra or {})
    return error


def _without_problem(status: int, kept: Mapping[str, str], body: bytes) -> ArtStoreError:
    if refusal := _oauth_refusal(body):
        kind: type[ArtStoreError] = errors.BadCredentials if refusal[0] == "invalid_client" else errors.BadRequest
        return kind(refusal[1], headers=kept)
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "unknown status"
    detail = f"The server answered {status} ({phrase}), which is not an answer of ArtStore."
    return _BY_STATUS.get(status, ArtStoreError)(detail, headers=kept)


def _oauth_refusal(body: bytes) -> tuple[str, str] | None:
    """The code and the description of a token endpoint's error (RFC 6749 section 5.2)."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("error"), str):
        return None
    return document["error"], str(document.get("error_description") or f"The token was refused: {document['error']}.")


def unreachable(url: str, error: Exception) -> ArtStoreError:
    """The error for a connection that could not be made, was cut, or fell silent."""
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientConnectorError):
        return DeadlineExceeded(f"{url} did not answer in time.")
    return DependencyUnavailable(f"{url} cannot be reached: {_reason(error)}.")


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted ({error.certificate_error})"
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        return os.strerror(cause.errno) if cause.errno and cause.errno > 0 else str(cause.strerror)
    return str(error) or type(error).__name__
