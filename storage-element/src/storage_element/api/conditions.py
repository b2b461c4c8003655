"""Conditional and range requests on content (RFC 9110 sections 13 and 14)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from artstore_kit.contracts.errors import BadRequest, PreconditionFailed, RangeNotSatisfiable
from artstore_kit.contracts.files import FileAttributes
from storage_element.domain.rules import content_tag

_ONE_RANGE = re.compile(r"(\d*)-(\d*)")
_MOST_DIGITS = 19


@dataclass(frozen=True)
class Span:
    """Which bytes to send: `length` from `start`."""

    start: int
    length: int


def last_modified(file: FileAttributes) -> str:
    """When this content was stored, as an HTTP date."""
    return format_datetime(file.uploaded_at.astimezone(UTC).replace(microsecond=0), usegmt=True)


@dataclass(frozen=True)
class ConditionHeaders:
    """The conditional headers of a request."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_unmodified_since: str | None = None
    range: str | None = None
    if_range: str | None = None


def is_unmodified(headers: ConditionHeaders, file: FileAttributes) -> bool:
    """Whether 304 is the answer; raises `PreconditionFailed` when 412 is (RFC 9110 section 13.2.2)."""
    if headers.if_match is not None:
        if not _listed(headers.if_match, content_tag(file)):
            raise PreconditionFailed
    elif headers.if_unmodified_since is not None and _is_newer(file, headers.if_unmodified_since):
        raise PreconditionFailed
    if headers.if_none_match is not None:
        return _listed(headers.if_none_match.replace("W/", ""), content_tag(file))
    return headers.if_modified_since is not None and _is_newer(file, headers.if_modified_since) is False


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
    return if_range is None or if_range.strip() in {content_tag(file), last_modified(file)}


def _listed(tags: str, tag: str) -> bool:
    return tags.strip() == "*" or tag in [each.strip() for each in tags.split(",")]


def _is_newer(file: FileAttributes, text: str) -> bool | None:
    """Whether the content was stored after an HTTP date; None when the date cannot be read."""
    date = _date(text)
    return None if date is None else file.uploaded_at.replace(microsecond=0) > date


def _date(text: str) -> datetime | None:
    """An HTTP date; one that cannot be read is ignored (section 13.1.3)."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
