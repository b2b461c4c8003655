"""Settings as the environment gives them."""

import base64
import json
from datetime import timedelta
from pathlib import Path

import pytest

from admin_module.config import Settings
from admin_module.domain.lockout import FAILURES_ALLOWED, LOCKED_FOR
from artstore_kit.settings import WrongSettings, load

ENVIRONMENT = {
    "ARTSTORE_SERVER__PORT": "8000",
    "ARTSTORE_TOKENS__ISSUER": "http://admin.test",
    "ARTSTORE_POSTGRES__URL": "postgresql://artstore_admin@db.test/artstore_admin",
    "ARTSTORE_REDIS__URL": "redis://redis.test",
    "ARTSTORE_KEYS__SEALING_KEY": base64.b64encode(bytes(32)).decode(),
    "ARTSTORE_AUDIT__SPOOL_DIR": "/var/spool/artstore",
    "ARTSTORE_PUBLIC__ADMIN_URL": "https://store.test",
    "ARTSTORE_PUBLIC__INGESTER_URL": "https://in.store.test",
    "ARTSTORE_PUBLIC__QUERY_URL": "https://out.store.test",
}
ACCOUNT = {"client_id": "query-module", "client_secret": "s" * 43, "scopes": ["files:read"], "grants": []}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as wrong:
        load(Settings)
    return str(wrong.value)


def test_what_is_needed_is_enough() -> None:
    settings = load(Settings)
    assert settings.keys.sealing_key_bytes == bytes(32)
    assert settings.bootstrap.administrator_password is None
    assert settings.bootstrap.accounts == []


def test_what_nobody_sets_is_as_promised() -> None:
    settings = load(Settings)
    assert settings.keys.rotation_hours == 24
    assert settings.keys.published_ahead_s >= 2 * settings.tokens.pull_interval_s
    assert (settings.accounts.secret_lifetime_days, settings.accounts.secret_warning_days) == (90, 7)
    assert settings.audit_log.retention_days >= 7 * 365 + 2
    assert FAILURES_ALLOWED == 5
    assert timedelta(minutes=15) == LOCKED_FOR
    assert 3 * settings.tokens.pull_interval_s <= 60


def test_secrets_and_accounts_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = {
        "ARTSTORE_KEYS__SEALING_KEY": base64.b64encode(b"k" * 32).decode(),
        "ARTSTORE_BOOTSTRAP__ADMINISTRATOR_PASSWORD": "correct horse",
        "ARTSTORE_BOOTSTRAP__ACCOUNTS": json.dumps([ACCOUNT]),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(f"{text}\n")
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    settings = load(Settings)
    assert settings.keys.sealing_key_bytes == b"k" * 32
    assert settings.bootstrap.administrator_password is not None
    assert settings.bootstrap.administrator_password.get_secret_value() == "correct horse"
    assert [account.client_id for account in settings.bootstrap.accounts] == ["query-module"]


@pytest.mark.parametrize(
    "key", ["", "secret", base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode()]
)
def test_a_sealing_key_is_32_bytes(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    message = refused(monkeypatch, "ARTSTORE_KEYS__SEALING_KEY", key)
    assert "ARTSTORE_KEYS__SEALING_KEY" in message
    assert "32 random bytes as base64" in message


def test_previous_sealing_keys_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(Settings).keys.previous_sealing_keys_bytes == []
    given = [base64.b64encode(bytes([each]) * 32).decode() for each in (1, 2)]
    monkeypatch.setenv("ARTSTORE_KEYS__PREVIOUS_SEALING_KEYS", ", ".join(given))
    assert load(Settings).keys.previous_sealing_keys_bytes == [b"\1" * 32, b"\2" * 32]
    message = refused(monkeypatch, "ARTSTORE_KEYS__PREVIOUS_SEALING_KEYS", f"{given[0]},short")
    assert "ARTSTORE_KEYS__PREVIOUS_SEALING_KEYS" in message
    assert given[0] not in message


@pytest.mark.parametrize(
    "accounts",
    ["{", "{}", json.dumps([ACCOUNT | {"client_secret": "short"}]), json.dumps([ACCOUNT | {"scopes": ["all"]}])],
)
def test_accounts_are_checked(monkeypatch: pytest.MonkeyPatch, accounts: str) -> None:
    assert "ARTSTORE_BOOTSTRAP__ACCOUNTS" in refused(monkeypatch, "ARTSTORE_BOOTSTRAP__ACCOUNTS", accounts)


def test_a_short_password_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(monkeypatch, "ARTSTORE_BOOTSTRAP__ADMINISTRATOR_PASSWORD", "hunter2")
    assert "ARTSTORE_BOOTSTRAP__ADMINISTRATOR_PASSWORD" in message
    assert "hunter2" not in message


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTSTORE_BOOTSTRAP__ACCOUNTS", json.dumps([ACCOUNT]))
    shown = repr(load(Settings))
    assert "s" * 43 not in shown
    assert ENVIRONMENT["ARTSTORE_KEYS__SEALING_KEY"] not in shown
