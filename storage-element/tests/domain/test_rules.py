"""What may be done to a file, whatever the caller wishes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artstore_kit.contracts.errors import (
    ArtStoreError,
    FileHeld,
    FileRetained,
    ModeForbids,
    RetentionShortened,
    RevisionMismatch,
    UploadInProgress,
)
from artstore_kit.contracts.files import AttributeChanges, FileAttributes, Hold, Retention, RetentionKind
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from storage_element.domain.rules import changed, matches_revision, may_remove, not_replaced_since, revision_tag

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOLDS = [Hold(id="case-7"), Hold(id="case-8")]

moments = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
retentions = st.builds(
    Retention, policy=st.just("p"), kind=st.sampled_from(RetentionKind), expires_at=moments, retain_until=moments
)


def kept(**retention: object) -> FileAttributes:
    return document(retention=Retention.model_validate({"policy": "p", **retention}))


def test_a_hold_keeps_a_file() -> None:
    with pytest.raises(FileHeld, match="case-7, case-8"):
        may_remove(document(holds=HOLDS), NOW)
    with pytest.raises(FileHeld):
        changed(document(holds=HOLDS), AttributeChanges(tags=["x"]), Mode.EDIT)


def test_retention_keeps_a_file_until_its_last_moment() -> None:
    with pytest.raises(FileRetained):
        may_remove(kept(retain_until=NOW + timedelta(microseconds=1)), NOW)
    may_remove(kept(retain_until=NOW), NOW)
    may_remove(kept(expires_at=NOW + timedelta(days=1)), NOW)
    may_remove(kept(kind="permanent"), NOW)


@pytest.mark.parametrize("if_match", [None, "*", ' "r3" ', '"r1", "r3"'])
def test_a_revision_that_is_named_matches(if_match: str | None) -> None:
    matches_revision(document(revision=3), if_match)


@pytest.mark.parametrize("if_match", ["", '"r2"', "r3", 'W/"r3"', '"r33"'])
def test_another_revision_does_not(if_match: str) -> None:
    with pytest.raises(RevisionMismatch, match='"r3"'):
        matches_revision(document(revision=3), if_match)


def test_what_is_named_is_set_and_the_rest_stays() -> None:
    before = document(description="kept", tags=["old"], metadata={"a": 1}, later_field={"x": 1})
    after = changed(before, AttributeChanges(tags=[], name="new.txt", media_type=None), Mode.EDIT)
    assert (after.tags, after.content.name, after.content.media_type) == ([], "new.txt", "text/plain")
    assert (after.description, after.metadata, after.model_extra) == ("kept", {"a": 1}, {"later_field": {"x": 1}})
    assert (after.revision, revision_tag(after)) == (2, '"r2"')
    assert (before.tags, before.content.name, before.revision) == (["old"], "document.txt", 1)


def test_an_archive_changes_nothing_that_describes_the_content() -> None:
    with pytest.raises(ModeForbids) as refused:
        changed(document(), AttributeChanges(name="x", media_type="a/b"), Mode.RW)
    assert refused.value.extra == {"mode": "rw", "operation": "change_attributes", "allowed_modes": ["edit"]}
    assert changed(document(), AttributeChanges(description="x"), Mode.RW).description == "x"


def lifetime_s(retention: Retention) -> tuple[float, float]:
    """How long a file may not be removed, and how long it need not be: neither may shrink."""
    retained, expires = retention.retain_until, retention.expires_at
    return (retained.timestamp() if retained else 0.0, expires.timestamp() if expires else float("inf"))


@given(retentions, retentions, st.sampled_from([Mode.EDIT, Mode.RW]))
def test_retention_is_never_made_shorter(old: Retention, new: Retention, mode: Mode) -> None:
    (old_retained, old_expires), (new_retained, new_expires) = lifetime_s(old), lifetime_s(new)
    bound_to_expiry = mode is Mode.RW or old.kind is RetentionKind.PERMANENT
    shorter = (
        new_retained < old_retained
        or (old.kind is RetentionKind.PERMANENT and new.kind is RetentionKind.TEMPORARY)
        or (bound_to_expiry and new_expires < old_expires)
    )
    try:
        after = changed(document(retention=old), AttributeChanges(retention=new), mode)
    except RetentionShortened:
        assert shorter
    else:
        assert not shorter
        assert after.retention == new


@given(retentions, st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_nothing_is_removed_while_it_is_retained(retention: Retention, now: datetime) -> None:
    try:
        may_remove(document(retention=retention), now)
    except ArtStoreError:
        assert retention.retain_until is not None
        assert now < retention.retain_until
    else:
        assert retention.retain_until is None or now >= retention.retain_until


def test_content_that_was_replaced_meanwhile_is_not_replaced_again() -> None:
    before = document()
    newer = before.model_copy(update={"content": before.content.model_copy(update={"version": 2})})
    not_replaced_since(before, before.model_copy(update={"revision": 2}))
    with pytest.raises(UploadInProgress, match="replaced the content meanwhile"):
        not_replaced_since(before, newer)
