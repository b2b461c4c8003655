"""A kept answer is there exactly when its deed is, and opens only under its own name."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from admin_module.adapters.tables.kept_answers import kept_answers
from admin_module.domain.repeats import KEPT_FOR, Repeatable
from admin_module.services.repeats import Repeats
from admin_module.services.revocations import Revocations
from admin_module.services.roles import Roles
from artstore_kit.contracts.errors import RoleExists
from artstore_kit.contracts.roles import NewRole
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.settings import WrongSettings
from artstore_kit.testing.clock import MovableClock

CLERK = NewRole(name="clerk", scopes=frozenset())
ASKED = Repeatable("key", "POST /api/v1/roles", "", replayed=lambda: None)


@pytest.fixture
def roles(repeats: Repeats) -> Roles:
    revocations = Revocations(repeats.database, repeats.clock)
    return Roles(repeats.database, repeats.audit, repeats, revocations, repeats.clock)


async def kept(database: Database) -> int:
    async with database.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(kept_answers)) or 0


async def test_an_answer_is_lost_with_its_deed(
    roles: Roles, doomed: Database, doomed_repeats: Repeats, ada: Principal
) -> None:
    doomed_roles = replace(roles, database=doomed, audit=doomed_repeats.audit, repeats=doomed_repeats)
    with pytest.raises(Exception, match="CommitLost"):
        await doomed_roles.create(CLERK, by=ada, asked=ASKED)
    assert await kept(roles.database) == 0
    made = await roles.create(CLERK, by=ada, asked=ASKED)
    assert await roles.create(CLERK, by=ada, asked=ASKED) == made


async def test_it_is_kept_for_a_day(roles: Roles, clock: MovableClock, ada: Principal) -> None:
    made = await roles.create(CLERK, by=ada, asked=ASKED)
    clock.move(KEPT_FOR - timedelta(seconds=1))
    assert await roles.create(CLERK, by=ada, asked=ASKED) == made
    clock.move(timedelta(seconds=1))
    with pytest.raises(RoleExists):
        await roles.create(CLERK, by=ada, asked=ASKED)


async def test_rows_that_are_exchanged_open_nothing(roles: Roles, ada: Principal) -> None:
    """Whoever writes in the database gives nobody the secret of another one's answer."""
    await roles.create(CLERK, by=ada, asked=ASKED)
    eve = replace(ada, subject="eve")
    async with roles.database.transaction() as connection:
        await connection.execute(kept_answers.update().values(name=ASKED.name(eve)))
    with pytest.raises(WrongSettings):
        await roles.create(CLERK, by=eve, asked=ASKED)


async def test_without_a_key_nothing_is_kept(roles: Roles, ada: Principal) -> None:
    await roles.create(CLERK, by=ada)
    assert await kept(roles.database) == 0
