"""Logging in: what is stored, who can read it, and what is said when it does not work."""

import json
import stat
import time
from pathlib import Path

import pytest

from artstore_kit.testing.client_keys import client_key
from client.tests.cli.conftest import Artstore
from client.tests.cli.terminal import on_a_terminal
from client.tests.stand_in import CLIENT_ID, CLIENT_SECRET, CODE, PASSWORD, Fleet


def stored(config: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((config / "artstore" / "credentials.json").read_text())
    return document


def test_a_login_is_checked_and_kept_for_its_owner_alone(logged_in: Artstore, fleet: Fleet, config: Path) -> None:
    assert fleet.tokens_given == 1
    assert stored(config) == {"url": fleet.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    path = config / "artstore" / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["credentials.json"]


def test_a_secret_is_asked_for_and_not_shown(fleet: Fleet) -> None:
    dialogue = [("Client id: ", CLIENT_ID), (f"Secret of {CLIENT_ID}: ", CLIENT_SECRET)]
    code, shown = on_a_terminal("login", fleet.url, dialogue=dialogue)
    assert code == 0
    assert f"Logged in to {fleet.url} as {CLIENT_ID}" in shown.replace("\r\n", "")
    assert CLIENT_SECRET not in shown


def test_a_secret_comes_from_standard_input(artstore: Artstore, fleet: Fleet, config: Path) -> None:
    typed = f"{CLIENT_SECRET}\n"
    done = artstore("login", f"{fleet.url}/", "--client-id", CLIENT_ID, "--secret-file", "-", typed=typed)
    assert done.exit_code == 0
    assert stored(config)["client_secret"] == CLIENT_SECRET


def test_a_person_keeps_a_token_and_no_password(
    artstore: Artstore, fleet: Fleet, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert artstore("login", fleet.url, "--username", "admin", typed=f"{PASSWORD}\n").exit_code == 0
    assert PASSWORD not in json.dumps(stored(config))
    assert artstore("ls").exit_code == 0
    monkeypatch.setattr("artstore.cli.credentials.time.time", lambda: 1e10)
    late = artstore("ls")
    assert late.exit_code == 3
    assert "login of admin" in late.stderr
    assert "artstore login" in late.stderr


def test_a_key_stays_where_it_is(artstore: Artstore, fleet: Fleet, config: Path, tmp_path: Path) -> None:
    key = tmp_path / "here" / "key.pem"
    key.write_text(client_key().pem)
    fleet.jwk = client_key().jwk
    assert artstore("login", fleet.url, "--client-id", CLIENT_ID, "--key-file", "key.pem").exit_code == 0
    assert stored(config) == {"url": fleet.url, "client_id": CLIENT_ID, "key_file": str(key)}
    assert artstore("ls").exit_code == 0
    key.write_text("hello")
    broken = artstore("ls")
    assert broken.exit_code == 3
    assert "cannot be used" in broken.stderr
    assert "--key-file FILE" in broken.stderr
    key.unlink()
    gone = artstore("ls")
    assert (gone.exit_code, f"{key}: No such file" in gone.stderr) == (1, True)


def test_a_key_that_is_not_registered_is_not_kept(artstore: Artstore, fleet: Fleet, config: Path) -> None:
    Path("key.pem").write_text(client_key().pem)
    assert artstore("login", fleet.url, "--client-id", CLIENT_ID, "--key-file", "key.pem").exit_code == 3
    assert not config.exists()


def test_a_person_with_a_second_factor_is_asked_for_a_code(artstore: Artstore, fleet: Fleet) -> None:
    fleet.has_second_factor = True
    wrong = artstore("login", fleet.url, "--username", "admin", typed=f"{PASSWORD}\n000000\n")
    assert (wrong.exit_code, "totp_code_wrong" in wrong.stderr) == (3, True)
    dialogue = [("Password of admin: ", PASSWORD), ("recovery code: ", CODE)]
    code, shown = on_a_terminal("login", fleet.url, "--username", "admin", dialogue=dialogue)
    assert code == 0
    assert not {CODE, PASSWORD} & set(shown.split())


@pytest.mark.parametrize("has_second_factor", [False, True])
def test_a_temporary_password_is_changed_at_once(artstore: Artstore, fleet: Fleet, has_second_factor: bool) -> None:
    fleet.is_temporary, fleet.has_second_factor = True, has_second_factor
    code, chosen = [CODE] if has_second_factor else [], "seven otters juggle"
    typed = "\n".join([PASSWORD, *code, chosen, chosen, *code, *code, ""])
    assert artstore("login", fleet.url, "--username", "admin", typed=typed).exit_code == 0
    assert fleet.password == chosen
    assert artstore("ls").exit_code == 0


def test_wrong_credentials_are_not_kept(artstore: Artstore, fleet: Fleet, config: Path) -> None:
    as_account = artstore("login", fleet.url, "--client-id", CLIENT_ID, typed="wrong\n")
    as_person = artstore("login", fleet.url, "--username", "admin", typed="wrong\n")
    for refused in (as_account, as_person):
        assert refused.exit_code == 3
        assert "artstore login" in refused.stderr
    assert not config.exists()


def test_a_failed_login_keeps_the_former_one(logged_in: Artstore, fleet: Fleet, config: Path) -> None:
    before = stored(config)
    assert logged_in("login", fleet.url, "--client-id", CLIENT_ID, typed="wrong\n").exit_code == 3
    assert stored(config) == before


def test_logging_out_forgets(logged_in: Artstore, config: Path) -> None:
    assert logged_in("logout").exit_code == 0
    assert list((config / "artstore").iterdir()) == []
    assert logged_in("logout").exit_code == 0
    refused = logged_in("ls")
    assert refused.exit_code == 3
    assert "artstore login URL" in refused.stderr


def test_a_broken_file_is_no_login(logged_in: Artstore, config: Path) -> None:
    (config / "artstore" / "credentials.json").write_text("{")
    refused = logged_in("ls")
    assert refused.exit_code == 3
    assert "does not hold a login" in refused.stderr


def test_a_fleet_that_is_down_is_told(artstore: Artstore) -> None:
    down = artstore("login", "http://127.0.0.1:1", "--client-id", "x", typed="y\n")
    assert down.exit_code == 4
    assert "Connection refused" in down.stderr
    assert "Is the fleet up?" in down.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("ftp://127.0.0.1",),
        ("127.0.0.1:8000",),
        ("http://user:secret@127.0.0.1",),
        ("http://127.0.0.1", "--client-id", "a", "--username", "b"),
        ("http://127.0.0.1", "--username", "b", "--secret-file", "x"),
        ("http://127.0.0.1", "--client-id", "a", "--secret-file", "missing"),
        ("http://127.0.0.1", "--client-id", "a", "--key-file", "missing"),
        ("http://127.0.0.1", "--client-id", "a", "--key-file", "/dev/null"),
        ("http://127.0.0.1", "--client-id", "a", "--key-file", "x", "--secret-file", "x"),
        ("http://127.0.0.1", "--username", "b", "--key-file", "x"),
    ],
)
def test_wrong_usage_is_refused(artstore: Artstore, arguments: tuple[str, ...]) -> None:
    assert artstore("login", *arguments).exit_code == 2


def test_a_secret_in_the_clear_is_warned_of(artstore: Artstore) -> None:
    done = artstore("login", "http://fleet.invalid:8000", "--client-id", "a", typed="b\n")
    assert "anyone on the way can read" in done.stderr
    assert done.exit_code == 4


def test_the_clock_of_a_persons_login_is_the_tokens(artstore: Artstore, fleet: Fleet, config: Path) -> None:
    fleet.token_lifetime_s = 100
    artstore("login", fleet.url, "--username", "admin", typed=f"{PASSWORD}\n")
    assert time.time() < float(str(stored(config)["expires_at"])) <= time.time() + 100
