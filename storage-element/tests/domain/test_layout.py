"""Where files lie."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artstore_kit.contracts.ids import LATEST_MS, moment_of, new_file_id
from storage_element.domain import layout

FILE_ID = UUID("019c1f3e-7a00-7abc-8def-0123456789ab")


def test_a_path_follows_from_the_id() -> None:
    moment = moment_of(FILE_ID)
    directory = f"files/{moment:%Y/%m/%d/%H/%M}"
    assert layout.directory_of(FILE_ID) == directory
    assert layout.attributes_path(FILE_ID) == f"{directory}/{FILE_ID}.attr.json"
    assert layout.content_path(FILE_ID, 3) == f"{directory}/{FILE_ID}.v3"


def test_minutes_are_of_utc() -> None:
    last = new_file_id(int(datetime(2026, 12, 31, 23, 59, 59, 999_000, UTC).timestamp() * 1000))
    first = new_file_id(int(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000))
    assert layout.directory_of(last) == "files/2026/12/31/23/59"
    assert layout.directory_of(first) == "files/2027/01/01/00/00"


@given(st.integers(0, LATEST_MS))
def test_every_id_has_a_directory(moment_ms: int) -> None:
    file_id = new_file_id(moment_ms)
    parts = layout.directory_of(file_id).split("/")
    assert [len(part) for part in parts] == [5, 4, 2, 2, 2, 2]
    assert layout.directory_of(file_id) == f"files/{moment_of(file_id):%Y/%m/%d/%H/%M}"


def test_a_directory_says_which_minute_it_is_for() -> None:
    file_id = new_file_id(1_772_356_500_123)
    minute = layout.minute_of(layout.directory_of(file_id))
    assert minute is not None
    assert layout.first_id_of(minute) <= file_id < layout.first_id_of(minute + 1)


@pytest.mark.parametrize(
    "path", ["files", "files/2026", "files/2026/13/01/00/00", "files/2026/1/1/0/0", "files/a/b/c/d/e"]
)
def test_other_directories_are_for_none(path: str) -> None:
    assert layout.minute_of(path) is None
