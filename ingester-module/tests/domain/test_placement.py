"""Where files go."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artstore_kit.contracts.elements import Capacity, ElementReport, ElementView, Fullness
from artstore_kit.contracts.files import RetentionKind
from artstore_kit.contracts.modes import Mode
from ingester_module.domain.placement import MODE_FOR, Ranking, Wish, none_available, rank

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WISH = Wish(RetentionKind.TEMPORARY, 1000, "here")


def element(
    element_id: str,
    mode: Mode = Mode.EDIT,
    *,
    priority: int = 100,
    site: str = "here",
    free_bytes: int = 10**9,
    fullness: Fullness = Fullness.OK,
    writable: bool = True,
    state: str = "ok",
) -> ElementView:
    capacity = Capacity(total_bytes=10**9, used_bytes=0, free_bytes=free_bytes, fullness=fullness)
    report = ElementReport(mode=mode, epoch=1, capacity=capacity, last_lsn=0, writable=writable, state=state)
    return ElementView(
        element_id=element_id,
        url=f"http://{element_id}",
        mode=mode,
        epoch=1,
        priority=priority,
        site=site,
        registered_at=NOW,
        reported_at=NOW,
        report=report,
    )


def ranked(*elements: ElementView, wish: Wish = WISH, silent: str = "", broken: str = "") -> Ranking:
    alive = {each.element_id for each in elements} - {silent}
    return rank(elements, wish, alive, lambda each: each.element_id == broken)


def order(ranking: Ranking) -> list[str]:
    return [each.element_id for each in ranking.candidates]


def test_the_kind_of_retention_chooses_the_mode() -> None:
    elements = [element(mode.value, mode) for mode in Mode]
    assert order(ranked(*elements)) == ["edit"]
    assert order(ranked(*elements, wish=Wish(RetentionKind.PERMANENT, 1, "here"))) == ["rw"]
    assert set(MODE_FOR) == set(RetentionKind)


def test_the_lowest_priority_is_filled_first() -> None:
    assert order(ranked(element("a", priority=2), element("b", priority=1), element("c", priority=2))) == [
        "b",
        "a",
        "c",
    ]


def test_the_own_site_goes_before_priority() -> None:
    assert order(ranked(element("far", priority=1, site="there"), element("near", priority=9))) == ["near", "far"]


def test_a_silent_element_is_the_last_resort() -> None:
    near, far = element("near", priority=1), element("far", site="there")
    assert order(ranked(near, far, silent="near")) == ["far", "near"]


def test_an_element_that_never_reported_may_be_tried() -> None:
    fresh = element("a").model_copy(update={"report": None, "reported_at": None})
    assert order(ranked(fresh, silent="a")) == ["a"]


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        (element("x", Mode.RO), "its mode is ro, not edit"),
        (element("x", fullness=Fullness.FULL, writable=False), "it is full"),
        (element("x", writable=False, state="storage_fault"), "it takes no writes (storage_fault)"),
        (element("x", free_bytes=999), "it has 999 bytes free, and 1000 are needed"),
    ],
)
def test_what_cannot_take_the_file_is_passed_over_with_the_reason(unfit: ElementView, reason: str) -> None:
    ranking = ranked(unfit, element("fit"))
    assert order(ranking) == ["fit"]
    assert ranking.passed_over == {"x": reason}


def test_an_element_that_keeps_failing_is_passed_over() -> None:
    ranking = ranked(element("a"), element("b"), broken="a")
    assert order(ranking) == ["b"]
    assert "failed" in ranking.passed_over["a"]


def test_an_unknown_size_is_no_obstacle() -> None:
    assert order(ranked(element("a", free_bytes=1), wish=Wish(RetentionKind.TEMPORARY, None, "here"))) == ["a"]


def test_the_refusal_names_every_obstacle() -> None:
    error = none_available(WISH, {"a": "it is full"})
    assert error.extra == {"elements": {"a": "it is full"}}
    assert "mode edit" in error.detail
    assert "the registry lists none" in none_available(WISH, {}).detail


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Mode), st.integers(0, 3), st.sampled_from(["here", "there"]), st.sampled_from(Fullness)
        ),
        max_size=8,
    )
)
def test_every_element_is_either_tried_or_explained(shapes: list[tuple[Mode, int, str, Fullness]]) -> None:
    elements = [
        element(f"e{number}", mode, priority=priority, site=site, fullness=fullness)
        for number, (mode, priority, site, fullness) in enumerate(shapes)
    ]
    ranking = ranked(*elements)
    assert sorted([*order(ranking), *ranking.passed_over]) == sorted(each.element_id for each in elements)
    assert all(each.mode is Mode.EDIT for each in ranking.candidates)
