"""If-Match."""

import pytest

from admin_module.domain.revisions import require_unchanged, revision_tag
from artstore_kit.contracts.errors import RevisionMismatch


@pytest.mark.parametrize("if_match", [None, "*", " * ", '"r3"', '"r2", "r3"'])
def test_what_matches(if_match: str | None) -> None:
    require_unchanged(3, if_match)


@pytest.mark.parametrize("if_match", ["", '"r2"', "r3", '"3"', 'W/"r3"'])
def test_what_does_not(if_match: str) -> None:
    with pytest.raises(RevisionMismatch, match='"r3"'):
        require_unchanged(3, if_match)


def test_the_tag() -> None:
    assert revision_tag(3) == '"r3"'
