"""People log in, go on, change their password and leave."""

import base64
from datetime import UTC, datetime
from typing import Any

from admin_module.domain.totp import code_of, step_at
from tests.fleet.documents import unique_word
from tests.fleet.people import SECRETS_GIVEN, administrator, first_login
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


async def test_an_administrator_comes_is_managed_and_goes(wire: Wire) -> None:
    word = unique_word()
    name, boss = f"person-{word}", await administrator(wire)

    async def manage(method: str, path: str = "", **content: Any) -> Any:
        answer = await wire.ask(method, "admin", f"/administrators/{name}{path}", token=boss, **content)
        return answer.raise_for_status().json() if answer.content else None

    made = await wire.ask("POST", "admin", "/administrators", token=boss, json={"username": name, "roles": ["auditor"]})
    first = made.raise_for_status().json()["temporary_password"]
    token = await first_login(wire, name, first, f"otters juggle {word}")
    (session,) = (await wire.ask("GET", "admin", "/auth/sessions", token=token)).json()["items"]
    assert await manage("GET", "/sessions") == {"items": [session]}
    own = await wire.ask("DELETE", "admin", f"/auth/sessions/{session['session_id']}", token=token)
    assert own.status_code == 204

    await manage("PATCH", json={"roles": ["readonly"]})
    await _second_factor(wire, name, f"otters juggle {word}")
    await manage("POST", "/reset-totp")
    await manage("POST", "/suspend")
    await manage("POST", "/activate")
    await manage("POST", "/unlock")
    again = (await manage("POST", "/reset-password"))["temporary_password"]
    await first_login(wire, name, again, f"geese parade {word}")
    (session,) = (await manage("GET", "/sessions"))["items"]
    await manage("DELETE", f"/sessions/{session['session_id']}")
    await manage("DELETE", "/sessions")
    shown = await manage("GET")
    listed = await wire.ask("GET", "admin", "/administrators", token=boss, params={"text": name})
    assert listed.json()["items"] == [shown]
    await manage("DELETE")


async def _second_factor(wire: Wire, name: str, password: str) -> None:
    """Set up, renewed, taken away and set up again."""
    login = {"username": name, "password": password}
    token = (await wire.ask("POST", "admin", "/auth/login", token="", json=login)).json()["access_token"]

    async def post(path: str, **body: str) -> Any:
        answer = await wire.ask("POST", "admin", f"/auth/totp{path}", token=token, json=body)
        return answer.raise_for_status().json() if answer.content else {}

    for final in (False, True):
        secret = (await post("", password=password))["secret"]
        code = code_of(base64.b32decode(secret), step_at(datetime.now(UTC)))
        codes = (await post("/confirm", code=code))["recovery_codes"]
        refusal(await wire.ask("POST", "admin", "/auth/login", token="", json=login), 401, "totp_required")
        fresh = (await post("/recovery-codes", password=password, code=codes[0]))["recovery_codes"]
        SECRETS_GIVEN.extend([token, secret, *codes, *fresh])
        if not final:
            await post("/disable", password=password, code=fresh[0])
