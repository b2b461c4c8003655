"""Cursors: what is given comes back, anything else is refused."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artstore_kit.contracts.errors import BadCursor
from artstore_kit.contracts.ids import new_file_id
from query_module.domain.place import Moment, Ranked, cursor_of, moment_at, ranked_at

FILE = new_file_id()
MOMENT = Moment(datetime(2026, 3, 1, 12, 30, 1, 234567, UTC), FILE)


def test_moments_come_back_to_the_microsecond() -> None:
    assert moment_at(cursor_of(MOMENT)) == MOMENT


@pytest.mark.parametrize("oldest", [None, MOMENT])
def test_ranks_come_back(oldest: Moment | None) -> None:
    assert ranked_at(cursor_of(Ranked(0.0759908854961395, FILE, oldest))) == Ranked(0.0759908854961395, FILE, oldest)


def encoded(*position: object) -> str:
    return urlsafe_b64encode(json.dumps(position).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "ключ",
        encoded("n", 1),
        encoded("n", "1", str(FILE)),
        encoded("n", 1, "no id"),
        encoded("n", 1, None),
        encoded("n", 10**30, str(FILE)),
        encoded("n", -(10**17), str(FILE)),
        encoded("n", 1.5, str(FILE)),
        encoded("r", "1", str(FILE), "", ""),
        encoded("r", 1, str(FILE), "", str(FILE)),
        encoded("r", 10**400, str(FILE), "", ""),
        encoded("r", True, str(FILE), "", ""),
        encoded("r", float("nan"), str(FILE), "", ""),
        encoded("x", 1, str(FILE)),
        encoded([], 1, str(FILE)),
        cursor_of(MOMENT) + cursor_of(MOMENT),
    ],
)
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        moment_at(cursor)
    with pytest.raises(BadCursor):
        ranked_at(cursor)


def test_a_cursor_of_another_order_is_refused() -> None:
    with pytest.raises(BadCursor):
        ranked_at(cursor_of(MOMENT))
    with pytest.raises(BadCursor):
        moment_at(cursor_of(Ranked(0.5, FILE, None)))


@given(st.text())
def test_no_text_breaks_it(cursor: str) -> None:
    for read in (moment_at, ranked_at):
        with pytest.raises(BadCursor):
            read(cursor)
