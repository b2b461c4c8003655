"""Errors that cross from one service to the next."""

import pytest

from artstore_kit.contracts.errors import ContentCorrupt, Problem, error_from


@pytest.mark.parametrize(("gone", "status"), [(False, 502), (True, 410)])
def test_content_that_is_gone_for_good_is_told_so_all_the_way(gone: bool, status: int) -> None:
    """A retry helps against 502 at best, and clients make none against 410."""
    problem = ContentCorrupt("The content is missing.", gone=gone).problem("r1")
    assert (problem.status, problem.code) == (status, "content_corrupt")
    again = error_from(Problem.model_validate_json(problem.model_dump_json()))
    assert isinstance(again, ContentCorrupt)
    assert (again.status, again.detail) == (status, "The content is missing.")
