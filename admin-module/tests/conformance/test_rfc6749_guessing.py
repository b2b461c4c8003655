"""RFC 6749 section 2.3.1: whoever guesses secrets is stopped. The limits are the usual ones here."""

import pytest

from admin_module.config import LimitsSettings, Settings
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.oauth import AUTH, GRANT, Desk

LIMIT = LimitsSettings().client_failures_limit


@pytest.fixture(scope="module")
def settings(migrated_postgres: PostgresSettings, settings_of: object) -> Settings:
    """With the usual limits."""
    made: Settings = settings_of(migrated_postgres)  # type: ignore[operator]
    return made.model_copy(update={"limits": LimitsSettings()})


async def test_2_3_1_the_endpoint_is_protected_against_guessing(desk: Desk) -> None:
    """Since this involves a password, the server must protect any endpoint that uses it against brute force."""
    wrong = GRANT | {"client_id": "guessed-at", "client_secret": "wrong", "token": "x"}
    paths = [f"{AUTH}/{name}" for name in ("token", "introspect", "revoke")]
    told = [(await desk.http.post(paths[number % 3], data=wrong)).status_code for number in range(LIMIT + 3)]
    assert told == [401] * LIMIT + [429] * 3


async def test_whoever_is_stopped_is_told_when_to_come_back(desk: Desk) -> None:
    wrong = GRANT | {"client_id": "another", "client_secret": "wrong"}
    for _ in range(LIMIT):
        await desk.http.post(f"{AUTH}/token", data=wrong)
    answer = await desk.http.post(f"{AUTH}/token", data=wrong)
    body = answer.json()
    assert (answer.status_code, body["code"], body["error"]) == (429, "rate_limited", "rate_limited")
    assert answer.headers["cache-control"] == "no-store"
    assert 1 <= int(answer.headers["retry-after"]) <= 301
    assert (await desk.ask()).status_code == 200
