"""What is old enough goes; that it was there can still be proved."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from admin_module.adapters.sealing import SealedKeys
from admin_module.domain.merkle import leaf_hash
from admin_module.services.audit import AuditLog
from admin_module.services.audit_proofs import AuditProofs
from admin_module.services.audit_retention import AuditRetention
from admin_module.services.audit_search import AuditSearch
from admin_module.services.checkpoints import Checkpoints
from artstore_kit.contracts.audit import AuditEntry, new_entry_id
from artstore_kit.postgres import Database
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
DAY = timedelta(days=1)
JANUARY, FEBRUARY = datetime(2024, 1, 31, 23, 59, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)


def entry(moment: datetime) -> AuditEntry:
    return AuditEntry(entry_id=new_entry_id(int(moment.timestamp() * 1000)), service="s", action="file.read")


@pytest.fixture
async def checkpoints(database: Database, audit: AuditLog, sealed_keys: SealedKeys, clock: MovableClock) -> Checkpoints:
    clock.now = FEBRUARY
    checkpoints = Checkpoints(database, audit, sealed_keys, "store.test/audit", clock)
    await checkpoints.open()
    return checkpoints


@pytest.fixture
def retention(database: Database, audit: AuditLog, clock: MovableClock) -> AuditRetention:
    return AuditRetention(database, audit, 60 * DAY, clock)


async def lines(database: Database) -> list[bytes]:
    return b"".join([part async for part in AuditSearch(database).leaves(0, None)]).splitlines()


async def test_a_month_goes_when_its_last_entry_is_old_enough(
    database: Database,
    audit: AuditLog,
    checkpoints: Checkpoints,
    retention: AuditRetention,
    recorded: Recorded,
    clock: MovableClock,
) -> None:
    old, young = entry(JANUARY), entry(FEBRUARY)
    await audit.append([old, young])
    await checkpoints.sign_if_due()
    before, key = await lines(database), (await recorded())[0]
    clock.now = FEBRUARY + 60 * DAY - timedelta(seconds=1)
    await retention.apply()
    assert await recorded() == [key, old, young]
    clock.now += timedelta(seconds=1)
    await retention.apply()
    told = await recorded()
    assert told[:-1] == [key, young]
    assert (told[-1].action, told[-1].detail) == (
        "audit.expire",
        {"month": "2024-01", "entries": 1, "entries_so_far": 1},
    )
    await retention.apply()
    assert await recorded() == told
    after = await lines(database)
    assert (after[0], after[2]) == (before[0], before[2])
    proof = await AuditProofs(database).inclusion_at(1, None)
    assert after[1] == f'{{"hash":"{proof.leaf_hash}","index":1}}'.encode()
    assert leaf_hash(before[1]).hex() not in repr(before)


async def test_what_was_not_signed_stays(
    audit: AuditLog, checkpoints: Checkpoints, retention: AuditRetention, recorded: Recorded, clock: MovableClock
) -> None:
    await audit.append([entry(JANUARY)])
    clock.now = FEBRUARY + 60 * DAY
    await retention.apply()
    assert len(await recorded()) == 2
    clock.now = FEBRUARY
    await checkpoints.sign_if_due()
    await audit.append([entry(JANUARY)])
    clock.now = FEBRUARY + 60 * DAY
    await retention.apply()
    assert len(await recorded()) == 3
    await checkpoints.sign_if_due()
    await retention.apply()
    assert [each.action for each in await recorded()] == ["key.create", "audit.expire"]


async def test_what_was_delivered_late_is_kept_as_long_as_the_rest(
    audit: AuditLog, checkpoints: Checkpoints, retention: AuditRetention, recorded: Recorded, clock: MovableClock
) -> None:
    await audit.append([entry(JANUARY)])
    clock.now = late = FEBRUARY + 20 * DAY
    await audit.append([entry(JANUARY)])
    await checkpoints.sign_if_due()
    clock.now = late + 60 * DAY - timedelta(seconds=1)
    await retention.apply()
    assert len(await recorded()) == 3
    clock.now = late + 60 * DAY
    await retention.apply()
    assert [each.action for each in await recorded()] == ["key.create", "audit.expire"]


async def test_those_let_go_are_counted_on_when_the_entry_that_told_of_them_goes_too(
    audit: AuditLog, checkpoints: Checkpoints, retention: AuditRetention, recorded: Recorded, clock: MovableClock
) -> None:
    """With a short retention, or after a long stop, the month that goes holds what told of the month before."""
    monthly = replace(retention, kept=10 * DAY)
    told = []
    for month in (3, 4, 5):
        await audit.append([entry(clock.now) for _ in range(3)])
        await checkpoints.sign_if_due()
        clock.now = datetime(2024, month, 11, tzinfo=UTC)
        await checkpoints.sign_if_due()
        await monthly.apply()
        told.append(next(each.detail for each in await recorded() if each.action == "audit.expire"))
    assert told == [
        {"month": "2024-02", "entries": 4, "entries_so_far": 4},
        {"month": "2024-03", "entries": 4, "entries_so_far": 8},
        {"month": "2024-04", "entries": 4, "entries_so_far": 12},
    ]


async def test_months_that_go_in_one_moment_are_counted_together(
    audit: AuditLog, checkpoints: Checkpoints, retention: AuditRetention, recorded: Recorded, clock: MovableClock
) -> None:
    """The ids of what tells of them have no order within a millisecond."""
    starts = [datetime(2023, month, 1, tzinfo=UTC) for month in range(1, 10)]
    await audit.append([entry(moment) for moment in starts])
    await checkpoints.sign_if_due()
    clock.now = FEBRUARY + 60 * DAY
    await retention.apply()
    told = [each.detail for each in await recorded() if each.action == "audit.expire"]
    assert [each["entries_so_far"] for each in told] == list(range(1, 10))


async def test_a_removal_that_was_rolled_back_leaves_the_month_and_no_entry(
    doomed: Database,
    audit: AuditLog,
    checkpoints: Checkpoints,
    retention: AuditRetention,
    recorded: Recorded,
    clock: MovableClock,
) -> None:
    await audit.append([entry(JANUARY)])
    await checkpoints.sign_if_due()
    before = await recorded()
    clock.now = FEBRUARY + 60 * DAY
    with pytest.raises(Exception, match="CommitLost"):
        await replace(retention, database=doomed).apply()
    assert await recorded() == before


async def test_old_checkpoints_go_and_the_newest_stays(
    audit: AuditLog, checkpoints: Checkpoints, retention: AuditRetention, clock: MovableClock
) -> None:
    await checkpoints.sign_if_due()
    clock.move(31 * DAY)
    await retention.apply()
    assert (await checkpoints.newest()).size == 1
