"""What is taken back, until when, and the tokens that are issued afterwards."""

import asyncio
from datetime import timedelta

import pytest

from admin_module.domain.revocations import CLOCKS_DIFFER_BY
from admin_module.domain.signing_keys import KEPT_AFTER_RETIREMENT
from admin_module.services.revocations import Revocations
from artstore_kit.contracts.revocations import Revocation, RevocationKind
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock

MINUTE = timedelta(minutes=1)


@pytest.fixture
def revocations(database: Database, clock: MovableClock) -> Revocations:
    return Revocations(database, clock)


async def told(revocations: Revocations) -> list[Revocation]:
    return (await revocations.after(None)).items


async def test_all_kinds_are_told_until_they_end(
    database: Database, revocations: Revocations, clock: MovableClock
) -> None:
    async with database.transaction() as connection:
        await revocations.revoke_token(connection, "a-token", clock() + 5 * MINUTE)
        await revocations.revoke_subject(connection, "ann")
        await revocations.revoke_key(connection, "a-key")
    token, subject, key = await told(revocations)
    assert (token.kind, token.name, token.ends_at) == (RevocationKind.TOKEN, "a-token", clock() + 6 * MINUTE)
    assert (key.kind, key.name) == (RevocationKind.KEY, "a-key")
    assert key.ends_at >= clock() + KEPT_AFTER_RETIREMENT
    assert (subject.kind, subject.name) == (RevocationKind.SUBJECT, "ann")
    assert subject.before
    assert subject.before >= clock() + CLOCKS_DIFFER_BY
    clock.move(6 * MINUTE)
    assert await told(revocations) == [subject, key]
    clock.move(12 * MINUTE)
    assert await told(revocations) == []


async def test_what_was_rolled_back_is_not_revoked(database: Database, revocations: Revocations) -> None:
    async with database.connect() as connection:
        await revocations.revoke_subject(connection, "ann")
    assert await told(revocations) == []


async def test_a_second_revocation_lasts_longer(
    database: Database, revocations: Revocations, clock: MovableClock
) -> None:
    for _ in range(2):
        clock.move(MINUTE)
        async with database.transaction() as connection:
            await revocations.revoke_subject(connection, "ann")
    async with database.transaction() as connection:
        await Revocations(database, lambda: clock() - MINUTE).revoke_subject(connection, "ann")
    (entry,) = await told(revocations)
    assert entry.before
    assert clock() + CLOCKS_DIFFER_BY <= entry.before < clock() + CLOCKS_DIFFER_BY + timedelta(seconds=1)


async def test_a_reader_misses_nothing_that_was_committed_late(database: Database, revocations: Revocations) -> None:
    """It is written before another reads, and committed after."""
    async with database.transaction() as connection:
        await revocations.revoke_token(connection, "late", revocations.clock() + MINUTE)
        first = await revocations.after(None)
    assert first.items == []
    assert [each.name for each in (await revocations.after(first.as_of)).items] == ["late"]


async def test_a_later_reader_is_told_only_what_is_new(database: Database, revocations: Revocations) -> None:
    async with database.transaction() as connection:
        await revocations.revoke_token(connection, "known", revocations.clock() + MINUTE)
    later = (await revocations.after(None)).as_of + 2 * MINUTE
    assert (await revocations.after(later)).items == []


async def test_tokens_issued_afterwards_are_good(
    database: Database, revocations: Revocations, clock: MovableClock
) -> None:
    async with database.transaction() as connection:
        await revocations.revoke_subject(connection, "ann")
    (entry,) = await told(revocations)
    async with database.connect() as connection:
        assert await revocations.moment_for(connection, "ann") == entry.before
        assert await revocations.moment_for(connection, "ben") == clock()
        clock.move(MINUTE)
        assert await revocations.moment_for(connection, "ann") == clock()


async def test_ended_ones_are_removed(database: Database, revocations: Revocations, clock: MovableClock) -> None:
    async with database.transaction() as connection:
        await revocations.revoke_token(connection, "short", clock() + MINUTE)
        await revocations.revoke_token(connection, "long", clock() + 9 * MINUTE)
    clock.move(5 * MINUTE)
    await asyncio.gather(revocations.forget_ended(), revocations.forget_ended())
    async with database.connect() as connection:
        kept = [name for name in ("short", "long") if await revocations.is_revoked(connection, bearer(name))]
    assert kept == ["long"]


async def test_many_subjects_are_revoked_at_once(database: Database, revocations: Revocations) -> None:
    names = [f"account-{number:04}" for number in range(5000)]
    async with database.transaction() as connection:
        await revocations.revoke_subject(connection, *reversed(names))
        await revocations.revoke_subject(connection)
    assert sorted(each.name for each in await told(revocations)) == names


def bearer(token_id: str = "t", key_id: str = "k", subject: str = "s", issued_at: float = 0) -> Principal:
    return Principal(
        subject, subject, frozenset(), (), frozenset(), 0, token_id=token_id, key_id=key_id, issued_at=issued_at
    )


async def test_a_token_is_revoked_by_name_by_key_and_by_subject(
    database: Database, revocations: Revocations, clock: MovableClock
) -> None:
    async with database.transaction() as connection:
        await revocations.revoke_token(connection, "gone", clock() + MINUTE)
        await revocations.revoke_key(connection, "stolen")
        await revocations.revoke_subject(connection, "ann")
        before = (await revocations.moment_for(connection, "ann")).timestamp()
        for token, revoked in (
            (bearer(), False),
            (bearer(token_id="gone"), True),
            (bearer(key_id="gone", subject="gone"), False),
            (bearer(key_id="stolen"), True),
            (bearer(subject="ann", issued_at=before - 1), True),
            (bearer(subject="ann", issued_at=before), False),
        ):
            assert await revocations.is_revoked(connection, token) == revoked
