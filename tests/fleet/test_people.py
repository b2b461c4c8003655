"""People log in, go on, change their password and leave."""

from tests.fleet.people import SECRETS_GIVEN, administrator
from tests.fleet.wire import Wire, refusal


async def test_a_session_goes_on_and_ends(wire: Wire) -> None:
    await administrator(wire)
    login = {"username": "admin", "password": wire.fleet.secrets.value("administrator-chosen")}
    begun = (await wire.ask("POST", "admin", "/auth/login", token="", json=login)).json()

    token = {"refresh_token": begun["refresh_token"]}
    gone_on = (await wire.ask("POST", "admin", "/auth/refresh", token="", json=token)).raise_for_status().json()
    SECRETS_GIVEN.extend(answer[name] for answer in (begun, gone_on) for name in ("access_token", "refresh_token"))
    accounts = await wire.ask("GET", "admin", "/service-accounts", token=gone_on["access_token"])
    assert accounts.status_code == 200

    token = {"refresh_token": gone_on["refresh_token"]}
    assert (await wire.ask("POST", "admin", "/auth/logout", token="", json=token)).status_code == 204
    refusal(await wire.ask("POST", "admin", "/auth/refresh", token="", json=token), 401, "session_ended")
