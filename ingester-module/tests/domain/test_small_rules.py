"""Fingerprints, revisions, limits and settings."""

import pytest

from artstore_kit.contracts.errors import FileTooLarge, MediaTypeRefused
from artstore_kit.contracts.files import UploadAttributes
from ingester_module.config import UploadsSettings
from ingester_module.domain.idempotency import fingerprint, record_name
from ingester_module.domain.intake import Limits
from ingester_module.domain.revisions import revision_matches, revision_tag

A = UploadAttributes(name="a")


def test_a_fingerprint_tells_requests_apart() -> None:
    different = {
        fingerprint(A, None, None),
        fingerprint(A, 1, None),
        fingerprint(A, 1, bytes(32)),
        fingerprint(UploadAttributes(name="b"), 1, None),
        fingerprint(UploadAttributes(name="a", tags=["t"]), 1, None),
    }
    assert len(different) == 5
    assert fingerprint(A, 1, None) == fingerprint(UploadAttributes(name="a", collection="default"), 1, None)


def test_a_record_is_a_clients_own() -> None:
    assert len({record_name("c", "k"), record_name("d", "k"), record_name("c", "l")}) == 3


@pytest.mark.parametrize("if_match", [None, "*", ' "r3" ', '"r2", "r3"'])
def test_revisions_that_match(if_match: str | None) -> None:
    assert revision_matches(if_match, 3)
    assert revision_tag(3) == '"r3"'


@pytest.mark.parametrize("if_match", ["", '"r2"', "r3", 'W/"r3"', '"r33"'])
def test_revisions_that_do_not(if_match: str) -> None:
    assert not revision_matches(if_match, 3)


def test_limits() -> None:
    limits = Limits(10, UploadsSettings(refused_media_types=" Video/* ,application/x-a,").refused_patterns)
    limits.check_size(10)
    limits.check_media_type("text/plain")
    with pytest.raises(FileTooLarge):
        limits.check_size(11)
    for refused in ("video/mp4", "VIDEO/MP4", "application/x-a"):
        with pytest.raises(MediaTypeRefused):
            limits.check_media_type(refused)
