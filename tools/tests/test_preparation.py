"""Before anything starts: secrets are private, ports free, the disk has room, and one supervisor rules."""

import json
import shutil
import socket
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.fleet.errors import FleetError
from tools.fleet.layout import Layout
from tools.fleet.ports import Ports, free_ports, refuse_taken
from tools.fleet.secrets import ACCOUNTS, Secrets
from tools.fleet.servers import without_password
from tools.fleet.state import AlreadyRunningError, RunState


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "data here")
    layout.prepare()
    return layout


def test_secrets_are_random_lasting_and_private(layout: Layout) -> None:
    secrets = Secrets(layout.secrets)
    first = secrets.value("one")
    assert Secrets(layout.secrets).value("one") == first != secrets.value("two")
    secrets.sealing_key()
    secrets.accounts()
    secrets.administrator()
    assert {stat.S_IMODE(path.stat().st_mode) for path in layout.secrets.iterdir()} == {0o600}
    assert stat.S_IMODE(layout.secrets.stat().st_mode) == 0o700


def test_every_account_has_the_secret_that_its_service_is_given(layout: Layout) -> None:
    secrets = Secrets(layout.secrets)
    given = {account["client_id"]: account["client_secret"] for account in json.loads(secrets.accounts().read_text())}
    assert given == {name: secrets.value(name) for name in ACCOUNTS}


def test_accounts_of_an_older_version_get_what_they_need_now(layout: Layout) -> None:
    secrets = Secrets(layout.secrets)
    now = secrets.accounts().read_text()
    older = json.loads(now)
    older[0]["scopes"] = ["elements:read"]
    secrets.given("accounts.json", json.dumps(older))
    assert secrets.accounts().read_text() == now


def test_the_first_password_is_taken_once_and_not_kept(layout: Layout) -> None:
    secrets = Secrets(layout.secrets)
    path = secrets.administrator()
    assert path
    password = path.read_text()

    assert secrets.take_administrator_password() == password
    assert secrets.take_administrator_password() is None
    assert secrets.administrator() is None
    assert not any(password in file.read_text() for file in layout.secrets.iterdir())


def test_a_taken_port_is_named_with_who_holds_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(
            FleetError, match=rf"port {port}, wanted for admin, is held by process \d+ .*python"
        ) as error:
            refuse_taken({"admin": port, "query": free_ports(1)[0]})
    assert "query" not in str(error.value)
    assert "--port-base" in str(error.value)


def test_ports_follow_from_the_base() -> None:
    assert Ports.from_base(9000) == Ports(9000, 9010, 9011, 9020, 9030, 9032, 9079)
    with pytest.raises(FleetError, match="between 1 and 65456"):
        Ports.from_base(65500)


def test_a_nearly_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20 * 2**20))
    with pytest.raises(FleetError, match=r"only 20 MiB are free .* at least 1024 MiB"):
        Layout(tmp_path / "data").prepare()


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FleetError, match=r"cannot write to the data directory .*file/data"):
        Layout(tmp_path / "file" / "data").prepare()


def test_one_supervisor_a_data_directory(layout: Layout) -> None:
    first, second = RunState(layout.run), RunState(layout.run)
    with first.claim():
        with pytest.raises(AlreadyRunningError, match=r"running already \(process \d+\)"), second.claim():
            pass
        assert second.supervisor()
    assert second.supervisor() is None
    with second.claim():
        pass


def test_only_what_the_launcher_made_is_deleted(layout: Layout) -> None:
    (layout.data / "thesis.odt").touch()
    layout.delete()
    assert [path.name for path in layout.data.iterdir()] == ["thesis.odt"]


@pytest.mark.parametrize(
    ("given", "bare", "password"),
    [
        ("redis://:se%2Fcret@host:6379/0", "redis://host:6379/0", "se/cret"),
        ("redis://user:secret@host", "redis://user@host", "secret"),
        ("sentinel://a:1,b:2/master", "sentinel://a:1,b:2/master", None),
    ],
)
def test_a_password_in_a_url_goes_to_a_file(given: str, bare: str, password: str | None) -> None:
    assert without_password(given) == (bare, password)
