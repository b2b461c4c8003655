"""What failures say of a file."""

from collections.abc import AsyncIterator

import pytest

from artstore_kit.contracts import errors
from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.contracts.files import UploadAttributes
from ingester_module.domain.content import Stream, Whole
from ingester_module.domain.idempotency import nothing_was_stored
from ingester_module.domain.intake import Limits, NewFile
from ingester_module.domain.outcome import Meaning, meaning_of

REFUSALS = [
    errors.ModeForbids(),
    errors.StorageFull(),
    errors.StorageFault(),
    errors.CircuitOpen(),
    errors.DependencyUnreached(),
    errors.DatabaseUnavailable(),
    errors.TokensUnverifiable(),
]
OPEN = [
    errors.DependencyUnavailable(),
    errors.DeadlineExceeded(),
    errors.InternalError(),
    errors.DependencyAnsweredBadly(),
    errors.ElementAnsweredBadly(),
    errors.UploadInProgress(),
]
FAULTS_OF_THE_SENDER = [
    errors.AttributesTooLarge(),
    errors.InvalidAttributes(),
    errors.IncompleteBody(),
    errors.BadRequest(),
]


def stream(*, past_head: bool) -> Stream:
    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    made = Stream([b"head"], NewFile(UploadAttributes(name="a"), nothing()), Limits(1000))
    made.past_head = past_head
    return made


@pytest.mark.parametrize("error", REFUSALS)
def test_after_a_refusal_another_element_may_be_tried(error: ArtStoreError) -> None:
    assert meaning_of(error, Whole(b"")) is Meaning.NEXT
    assert meaning_of(error, stream(past_head=False)) is Meaning.NEXT


@pytest.mark.parametrize("error", OPEN)
def test_an_open_outcome_must_be_asked_for(error: ArtStoreError) -> None:
    assert meaning_of(error, Whole(b"")) is Meaning.UNSURE


@pytest.mark.parametrize("error", [*REFUSALS, *OPEN])
def test_a_stream_that_has_begun_cannot_go_elsewhere(error: ArtStoreError) -> None:
    assert meaning_of(error, stream(past_head=True)) is Meaning.UNSURE
    assert meaning_of(error, stream(past_head=False)) is Meaning.NEXT


@pytest.mark.parametrize("error", FAULTS_OF_THE_SENDER)
def test_no_other_element_would_take_what_is_wrong(error: ArtStoreError) -> None:
    for content in (Whole(b""), stream(past_head=False), stream(past_head=True)):
        assert meaning_of(error, content) is Meaning.PASS_ON


def test_damage_on_the_way_is_not_the_senders_fault() -> None:
    assert meaning_of(errors.DigestMismatch(), Whole(b"")) is Meaning.NEXT
    assert meaning_of(errors.DigestMismatch(), stream(past_head=True)) is Meaning.PASS_ON


@pytest.mark.parametrize("error", [*FAULTS_OF_THE_SENDER, errors.NoElementAvailable()])
def test_what_stored_nothing_can_be_forgotten(error: ArtStoreError) -> None:
    assert nothing_was_stored(error)


@pytest.mark.parametrize("error", [errors.ElementUnavailable(), errors.ElementAnsweredBadly(), errors.InternalError()])
def test_what_may_have_stored_something_is_remembered(error: ArtStoreError) -> None:
    assert not nothing_was_stored(error)
