"""Conditions and ranges of RFC 9110, and whatever else may stand in those headers."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running_element import Element, code

from artstore_kit.contracts.errors import ArtStoreError, BadRequest, PreconditionFailed, RangeNotSatisfiable
from artstore_kit.contracts.files import COLLECTION_HEADER, FileAttributes, collection_named
from artstore_kit.testing.documents import document
from storage_element.api.conditions import ConditionHeaders, Span, is_unmodified, last_modified, wanted
from storage_element.domain.rules import content_tag

STORED = datetime(2026, 3, 4, 5, 6, 7, 890_000, UTC)
LAST_MODIFIED = "Wed, 04 Mar 2026 05:06:07 GMT"
BEFORE, AFTER = "Wed, 04 Mar 2026 05:06:06 GMT", "Wed, 04 Mar 2026 05:06:08 GMT"
CONTENT = b"0123456789"


@pytest.fixture
def element(lasting_element: Element) -> Element:
    return lasting_element


def file(size: int = 10) -> FileAttributes:
    return document(size=size, uploaded_at=STORED)


TAG = content_tag(file())


@pytest.mark.parametrize(
    ("text", "span"),
    [
        (None, None),
        ("bytes=0-", Span(0, 10)),
        ("bytes=2-4", Span(2, 3)),
        ("bytes=9-9", Span(9, 1)),
        ("bytes=5-999", Span(5, 5)),
        ("bytes=-3", Span(7, 3)),
        ("bytes=-99", Span(0, 10)),
        ("BYTES= 2-4 ", Span(2, 3)),
        ("bytes=0-1,4-5", None),
        ("lines=1-2", None),
        ("bytes=0-9999999999999999999", Span(0, 10)),
    ],
)
def test_a_range_means(text: str | None, span: Span | None) -> None:
    assert wanted(ConditionHeaders(range=text), file()) == span


@pytest.mark.parametrize(
    "text", ["bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=--1", "bytes=4-2", "bytes=1-2-3"]
)
def test_a_range_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        wanted(ConditionHeaders(range=text), file())


@pytest.mark.parametrize(("text", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_a_range_outside_is_told_the_size(text: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as refused:
        wanted(ConditionHeaders(range=text), file(size))
    assert refused.value.headers["Content-Range"] == f"bytes */{size}"


@given(st.integers(0, 2**40), st.integers(0, 2**70) | st.none(), st.integers(0, 2**70) | st.none())
def test_a_span_lies_within_the_file(size: int, first: int | None, last: int | None) -> None:
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    try:
        span = wanted(ConditionHeaders(range=text), file(size))
    except ArtStoreError:
        return
    assert span is not None
    assert 0 <= span.start < span.start + span.length <= size


texts = st.text(st.characters(max_codepoint=255), max_size=40)
numbers = st.integers(0, 10**25)
zones = st.sampled_from(["GMT", "-1", "x", "+9999", "+99999999999999999999"])
dates = st.builds("Wed, {} Mar {} {}:00:00 {}".format, numbers, numbers, numbers, zones)


@given(st.lists(st.none() | texts | dates, min_size=6, max_size=6))
def test_no_header_is_a_surprise(values: list[str | None]) -> None:
    headers = ConditionHeaders(*values)
    for read in (is_unmodified, wanted):
        with suppress(BadRequest, PreconditionFailed, RangeNotSatisfiable):
            read(headers, file())


@pytest.mark.parametrize(
    ("headers", "unmodified"),
    [
        (ConditionHeaders(), False),
        (ConditionHeaders(if_match=TAG), False),
        (ConditionHeaders(if_match="*"), False),
        (ConditionHeaders(if_match=f'"x", {TAG}'), False),
        (ConditionHeaders(if_none_match=TAG), True),
        (ConditionHeaders(if_none_match=f"W/{TAG}"), True),
        (ConditionHeaders(if_none_match="*"), True),
        (ConditionHeaders(if_none_match='"x"'), False),
        (ConditionHeaders(if_modified_since=LAST_MODIFIED), True),
        (ConditionHeaders(if_modified_since=AFTER), True),
        (ConditionHeaders(if_modified_since=BEFORE), False),
        (ConditionHeaders(if_modified_since="yesterday"), False),
        (ConditionHeaders(if_none_match='"x"', if_modified_since=AFTER), False),
        (ConditionHeaders(if_unmodified_since=LAST_MODIFIED), False),
        (ConditionHeaders(if_unmodified_since="yesterday"), False),
        (ConditionHeaders(if_match=TAG, if_unmodified_since=BEFORE), False),
    ],
)
def test_a_condition_that_holds(headers: ConditionHeaders, unmodified: bool) -> None:
    assert is_unmodified(headers, file()) is unmodified


@pytest.mark.parametrize(
    "headers",
    [
        ConditionHeaders(if_match='"x"'),
        ConditionHeaders(if_match=""),
        ConditionHeaders(if_match=f"W/{TAG}"),
        ConditionHeaders(if_unmodified_since=BEFORE),
    ],
)
def test_a_condition_that_fails(headers: ConditionHeaders) -> None:
    with pytest.raises(PreconditionFailed):
        is_unmodified(headers, file())


@pytest.mark.parametrize(
    ("if_range", "applies"),
    [(None, True), (TAG, True), (LAST_MODIFIED, True), ('"x"', False), (f"W/{TAG}", False), (AFTER, False)],
)
def test_a_range_applies_to_the_content_that_it_was_meant_for(if_range: str | None, applies: bool) -> None:
    span = wanted(ConditionHeaders(range="bytes=1-2", if_range=if_range), file())
    assert span == (Span(1, 2) if applies else None)
    assert last_modified(file()) == LAST_MODIFIED


async def test_ranges_as_they_are_sent(element: Element) -> None:
    stored = await element.put(CONTENT)
    for text, start, end in (("bytes=2-4", 2, 5), ("bytes=7-", 7, 10), ("bytes=-1", 9, 10)):
        answer = await element.content(stored.file_id, range=text)
        assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/10"
        assert answer.headers["content-length"] == str(end - start)
        assert answer.headers["etag"] == content_tag(stored)
    assert (await element.content(stored.file_id, range="bytes=0-1,3-4")).content == CONTENT
    assert (await element.content(stored.file_id, range="bytes=1-2", if_range='"other"')).status_code == 200
    outside = await element.content(stored.file_id, range="bytes=10-")
    assert code(outside) == (416, "range_not_satisfiable")
    assert outside.headers["content-range"] == "bytes */10"
    assert code(await element.content(stored.file_id, range="bytes=x")) == (400, "bad_request")


async def test_a_range_across_chunks(element: Element) -> None:
    content = bytes(range(256)) * 10_000
    stored = await element.put(content)
    answer = await element.content(stored.file_id, range="bytes=1000001-2200000")
    assert answer.content == content[1_000_001:2_200_001]


async def test_conditions_as_they_are_sent(element: Element) -> None:
    stored = await element.put(CONTENT)
    unchanged = await element.content(stored.file_id, if_none_match=content_tag(stored))
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", content_tag(stored))
    later = last_modified(stored.model_copy(update={"uploaded_at": stored.uploaded_at + timedelta(days=1)}))
    assert (await element.content(stored.file_id, if_modified_since=later)).status_code == 304
    assert code(await element.content(stored.file_id, if_match='"other"')) == (412, "precondition_failed")


async def test_head_is_get_without_the_content(element: Element) -> None:
    stored = await element.put(CONTENT)
    path = f"/api/v1/files/{stored.file_id}/content"
    head, get = await element.http.head(path), await element.http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    kept = {name: value for name, value in head.headers.items() if name != "x-request-id"}
    assert kept == {name: value for name, value in get.headers.items() if name != "x-request-id"}
    assert (await element.http.head(path, headers={"Range": "bytes=0-1"})).headers["content-length"] == "10"
    assert (await element.http.head(path, headers={"If-None-Match": "*"})).status_code == 304
    gone = await element.http.head(path.replace(str(stored.file_id), str(document().file_id)))
    assert (gone.status_code, gone.content) == (404, b"")


async def test_whatever_is_told_of_content_names_the_collection(element: Element) -> None:
    stored = await element.put(CONTENT, collection="папки/2026")
    path = f"/api/v1/files/{stored.file_id}/content"
    answers = [
        await element.content(stored.file_id),
        await element.content(stored.file_id, range="bytes=0-1"),
        await element.content(stored.file_id, if_none_match=content_tag(stored)),
        await element.http.head(path),
    ]
    assert [answer.status_code for answer in answers] == [200, 206, 304, 200]
    assert {collection_named(answer.headers[COLLECTION_HEADER]) for answer in answers} == {"папки/2026"}
