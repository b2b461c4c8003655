"""Asks the store until it answers: backoff with jitter on what passes, a last word on what does not."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import aiohttp
from botocore.exceptions import (
    ClientError,
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)

from artstore_kit.contracts.errors import StorageUnavailable
from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.config import S3Settings

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
RETRY_AFTER_S = 5
_BROKEN = (HTTPClientError, ConnectionError, IncompleteReadError, FlexibleChecksumError, aiohttp.ClientError)
_PASSING_CODES = frozenset(
    {"SlowDown", "BadDigest", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict"}
)
_ABSENT_CODES = frozenset({"NoSuchKey", "NoSuchUpload", "404"})


class Absent(Exception):
    """The store has no such object, or no such multipart upload."""


class Taken(Exception):
    """What is there is not what the condition named."""


class OutOfRange(Exception):
    """The range lies outside the object."""


class NotOffered(Exception):
    """The store does not know this verb, or this condition."""


class Attempts:
    """One for a bucket."""

    def __init__(self, settings: S3Settings) -> None:
        self._most = settings.attempts_count
        self._give_up_s = settings.give_up_s

    async def __call__[T](self, verb: str, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` gives; `Absent`, `Taken`, `OutOfRange`, `NotOffered`.

        `StorageUnavailable` when the store cannot be reached, answers too late or refuses: it is not known then
        whether it did what it was asked.
        """
        problem = "no answer"
        try:
            async with asyncio.timeout(self._give_up_s):
                for attempt in range(self._most):
                    try:
                        return await call()
                    except ClientError as error:
                        problem = _passing(error)
                    except (*_BROKEN, ConnectionResetError) as error:
                        problem = f"{type(error).__name__}: {error}"
                    metrics.STORE_RETRIES.labels(verb).inc()
                    if attempt + 1 < self._most:
                        await asyncio.sleep(_pause_s(attempt))
        except TimeoutError:
            problem = f"nothing within {self._give_up_s} s; {problem}"
        raise unavailable(verb, problem)


def unavailable(verb: str, problem: str) -> StorageUnavailable:
    """The refusal; what the store said goes to the log, and not to whoever asks."""
    event_logger().warning("the store does not answer as it should", verb=verb, problem=problem)
    refusal = StorageUnavailable(headers={"Retry-After": str(RETRY_AFTER_S)})
    refusal.add_note(problem)
    return refusal


def _passing(error: ClientError) -> str:
    """What went wrong, when asking again may help; raises when it does not."""
    code = error.response["Error"].get("Code", "")
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    problem = f"{status} {code}"
    if status == 501 or code == "NotImplemented":
        raise NotOffered(problem) from error
    if status >= 500 or status == 429 or code in _PASSING_CODES:
        return problem
    if status == 412:
        raise Taken(problem) from error
    if code in _ABSENT_CODES:
        raise Absent(problem) from error
    if status == 416:
        raise OutOfRange(problem) from error
    raise unavailable(error.operation_name, problem) from error


def _pause_s(attempt: int) -> float:
    """Anything up to a limit that doubles: those who were turned away together do not come back together."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * float(2**attempt))
    return random.uniform(longest / 2, longest)  # noqa: S311 (jitter)
