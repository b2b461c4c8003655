"""Administrators and auditors at work: roles, accounts, keys, tokens, and a log that an outsider checks."""

import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Any

import httpx

from artstore_kit.contracts.identity import Scope
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import unique_word
from tests.fleet.people import SECRETS_GIVEN, administrator, new_account, token_of
from tests.fleet.wire import Wire, refusal
from tools.fleet.layout import ROOT


async def asked(wire: Wire, method: str, path: str, **content: Any) -> Any:
    """The document that the admin module answers."""
    answer = (await wire.ask(method, "admin", path, **content)).raise_for_status()
    return answer.json() if answer.content else None


async def test_a_role_and_those_who_hold_it(wire: Wire) -> None:
    boss, role, name = await administrator(wire), f"role-{unique_word()}", f"holder-{unique_word()}"
    await asked(wire, "POST", "/roles", token=boss, json={"name": role, "scopes": ["elements:read"]})
    secret = await new_account(wire, name, [], roles=[role])
    token = await token_of(wire.fleet, name, secret)
    assert (await wire.ask("GET", "edit-1", "/element", token=token)).status_code == 200

    question = {"subject": name, "scope": "elements:read"}
    why = await asked(wire, "POST", "/access/explain", token=boss, json=question)
    assert (why["allowed"], [reason["source"] for reason in why["reasons"]]) == (True, [f"role:{role}"])

    await asked(wire, "PATCH", f"/roles/{role}", token=boss, json={"scopes": ["files:read"]})
    assert (await asked(wire, "GET", f"/roles/{role}", token=boss))["scopes"] == ["files:read"]
    token = await token_of(wire.fleet, name, secret)
    refusal(await wire.ask("GET", "admin", "/elements", token=token), 403, "scope_missing")
    refusal(await wire.ask("DELETE", "admin", f"/roles/{role}", token=boss), 409, "role_in_use")

    await asked(wire, "DELETE", f"/service-accounts/{name}", token=boss)
    await asked(wire, "DELETE", f"/roles/{role}", token=boss)
    refusal(await wire.ask("GET", "admin", f"/roles/{role}", token=boss), 404, "role_unknown")


async def test_an_account_is_changed_suspended_and_let_back(wire: Wire) -> None:
    boss, name = await administrator(wire), f"life-{unique_word()}"
    path, old = f"/service-accounts/{name}", await new_account(wire, name, [Scope.ELEMENTS_READ])

    changed = await asked(wire, "PATCH", path, token=boss, json={"description": "reads the list of elements"})
    assert changed["description"] == "reads the list of elements"
    new = (await asked(wire, "POST", f"{path}/secret", token=boss, json={"overlap_s": 60}))["client_secret"]
    SECRETS_GIVEN.append(new)
    for secret in (old, new):
        assert await token_of(wire.fleet, name, secret)

    await asked(wire, "POST", f"{path}/suspend", token=boss)
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": new}
    assert (await wire.ask("POST", "admin", "/auth/token", token="", data=form)).status_code == 401
    await asked(wire, "POST", f"{path}/activate", token=boss)
    assert await token_of(wire.fleet, name, new)


async def test_a_token_is_looked_at_and_taken_back(wire: Wire) -> None:
    name = f"inspector-{unique_word()}"
    auth = httpx.BasicAuth(name, await new_account(wire, name, [Scope.TOKENS_INTROSPECT, Scope.TOKENS_REVOKE]))
    token = {"token": await token_of(wire.fleet, *wire.fleet.credentials("fleet-demo"))}

    assert (await asked(wire, "POST", "/auth/introspect", token="", auth=auth, data=token))["client_id"] == "fleet-demo"
    await asked(wire, "POST", "/auth/revoke", token="", auth=auth, data=token)
    assert await asked(wire, "POST", "/auth/introspect", token="", auth=auth, data=token) == {"active": False}


async def test_the_next_key_is_asked_to_sign(wire: Wire) -> None:
    boss = await administrator(wire)
    assert (await wire.ask("POST", "admin", "/keys/rotate", token=boss)).is_success
    keys = (await asked(wire, "GET", "/keys", token=boss))["items"]
    assert {"current", "next"} <= {key["state"] for key in keys}


async def test_an_outsider_checks_the_log(wire: Wire, tmp_path: Path) -> None:
    token, witnessed = await administrator(wire), tmp_path / "kept.jsonl"
    (entry,) = (await asked(wire, "GET", "/audit/entries", token=token, params={"limit": "1"}))["items"]

    async def is_covered() -> bool:
        proof = await wire.ask("GET", "admin", "/audit/proofs/inclusion", token=token, params={"index": entry["index"]})
        return proof.status_code == 200

    await eventually(is_covered, within_s=20)
    exported = await wire.ask("GET", "admin", "/audit/export", token=token, params={"format": "csv"})
    assert entry["entry"]["entry_id"] in exported.raise_for_status().text
    log = ["--log", wire.fleet.url("admin")]
    for _ in range(2):
        assert await _run("-m", "tools.fleet", "witness", str(witnessed), *log, "--once") == 0
    (tmp_path / "token").write_text(token)
    verifier = [str(ROOT / "tools" / "verify_audit.py"), "--witness", str(witnessed), *log]
    assert await _run(*verifier, "--token-file", str(tmp_path / "token")) == 0


async def test_the_log_goes_on_from_what_it_was(wire: Wire) -> None:
    note = (await wire.ask("GET", "admin", "/audit/checkpoint", token="")).raise_for_status().text
    size = int(note.splitlines()[1])
    path, params = "/audit/proofs/consistency", {"first": str(size // 2), "second": str(size)}
    assert (await asked(wire, "GET", path, token="", params=params))["second"] == size
    key = await wire.client.get(f"{wire.fleet.url('admin')}/.well-known/artstore-audit")
    assert note.splitlines()[0] == key.text.partition("+")[0]


async def _run(*arguments: str) -> int:
    process = await create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=PIPE, stderr=STDOUT)
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    return process.returncode
