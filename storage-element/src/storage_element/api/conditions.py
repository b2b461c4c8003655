"""Conditional and range requests on content (RFC 9110 sections 13 and 14)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from artstore_kit.contracts.errors import BadRequest, RangeNotSatisfiable
from artstore_kit.contracts.files import FileAttributes

_ONE_RANGE = re.compile(r"(\d*)-(\d*)")
_MOST_DIGITS = 19


@dataclass(frozen=True)
class Span:
    """Which bytes to send: `length` from `start`."""

    start: int
    length: int


def etag(file: FileAttributes) -> str:
    """The strong validator of the content: its sha256."""
    return f'"{file.content.sha256}"'


def last_modified(file: FileAttributes) -> str:
    """When this content was stored, as an HTTP date."""
    return format_datetime(file.uploaded_at.astimezone(UTC).replace(microsecond=0), usegmt=True)


def precondition(headers: "ConditionHeaders", file: FileAttributes) -> int | None:
    """304 or 412 when a condition says so, else None (RFC 9110 section 13.2.2)."""
    if headers.if_match is not None:
        if not _listed(headers.if_match, etag(file)):
            return 412
    elif headers.if_unmodified_since is not None:
        date = _date(headers.if_unmodified_since)
        if date is not None and file.uploaded_at.replace(microsecond=0) > date:
            return 412
    if headers.if_none_match is not None:
        return 304 if _listed(headers.if_none_match.replace("W/", ""), etag(file)) else None
    if headers.if_modified_since is not None:
        date = _date(headers.if_modified_since)
        if date is not None and file.uploaded_at.replace(microsecond=0) <= date:
            return 304
    return None


@dataclass(frozen=True)
class ConditionHeaders:
    """The conditional headers of a request."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_unmodified_since: str | None = None
    range: str | None = None
    if_range: str | None = None


def wanted(headers: ConditionHeaders, file: FileAttributes) -> Span | None:
    """The range to send, or None for the whole.

    Unknown units, several ranges and a failed If-Range give the whole (section 14.2); a range that lies outside
    raises `RangeNotSatisfiable`, one that cannot be read `BadRequest`.
    """
    unit, _, ranges = (headers.range or "").partition("=")
    if unit.strip().lower() != "bytes" or "," in ranges or not _range_applies(headers.if_range, file):
        return None
    found = _ONE_RANGE.fullmatch(ranges.strip())
    if found is None or found[0] == "-" or max(len(found[1]), len(found[2])) > _MOST_DIGITS:
        raise BadRequest("Range cannot be read; send `Range: bytes=<first>-<last>`, `bytes=<first>-` or `bytes=-<n>`.")
    return _satisfied(found[1], found[2], file.content.size)


def _satisfied(first: str, last: str, size: int) -> Span:
    if not first:
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        if last and int(last) < start:
            raise BadRequest("Range ends before it begins.")
        length = min(int(last) if last else size, size - 1) - start + 1
    if length <= 0:
        raise RangeNotSatisfiable(f"The file has {size} bytes.", headers={"Content-Range": f"bytes */{size}"})
    return Span(start, length)


def _range_applies(if_range: str | None, file: FileAttributes) -> bool:
    return if_range is None or if_range.strip() in {etag(file), last_modified(file)}


def _listed(tags: str, tag: str) -> bool:
    return tags.strip() == "*" or tag in [each.strip() for each in tags.split(",")]


def _date(text: str) -> datetime | None:
    """An HTTP date; one that cannot be read is ignored (section 13.1.3)."""
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
