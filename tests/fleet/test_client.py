"""The `artstore` command as people and programs use it, against the real fleet."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from artstore import ArtStore
from artstore.cli.main import create_app
from artstore_kit.contracts.errors import FileUnknown
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.testing.client_keys import client_key
from tests.fleet.documents import Document, unique_word
from tests.fleet.people import SECRETS_GIVEN, administrator, second_administrator
from tests.fleet.wire import Wire

FAR = {"policy": "ten-years", "kind": "temporary", "retain_until": "2999-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Terminal:
    """Somebody's own: each has a configuration, and so a login, of their own."""

    url: str
    config: Path

    async def __call__(self, *arguments: str, typed: str = "", code: int = 0) -> str:
        """What the command answers, when it ends with this exit code: results, or what went wrong."""
        runner = CliRunner(env={"XDG_CONFIG_HOME": str(self.config)})
        done = await asyncio.to_thread(runner.invoke, create_app(), list(arguments), input=typed)
        assert done.exit_code == code, done.output
        return (done.stderr if code else done.stdout).rstrip("\n")


@pytest.fixture
def terminal(wire: Wire, tmp_path: Path) -> Callable[[str], Terminal]:
    return lambda name: Terminal(wire.fleet.url("admin"), tmp_path / name)


@pytest.fixture
async def ada(wire: Wire, terminal: Callable[[str], Terminal]) -> Terminal:
    """That of the first administrator, who is logged in."""
    await administrator(wire)
    return await logged_in(terminal("ada"), "admin", wire.fleet.secrets.value("administrator-chosen"))


@pytest.fixture
async def bob(wire: Wire, terminal: Callable[[str], Terminal]) -> Terminal:
    """That of the second one."""
    await second_administrator(wire)
    return await logged_in(terminal("bob"), "second", wire.fleet.secrets.value("second-administrator"))


async def logged_in(shell: Terminal, username: str, password: str) -> Terminal:
    await shell("login", shell.url, "--username", username, typed=f"{password}\n")
    return shell


async def test_two_people_release_a_hold(store: ArtStore, ada: Terminal, bob: Terminal) -> None:
    file = await Document.of_size(10).put(store)
    name, resource = "дело 50%", f"hold:{file.file_id}/дело 50%"
    await ada("hold", str(file.file_id), name, "--reason", "суд")
    assert "Release its holds first" in await ada("rm", str(file.file_id), "--yes", code=1)
    advice = await ada("release", str(file.file_id), name, code=1)
    assert f"artstore approval ask hold.release '{resource}' --reason WHY" in advice

    approval = await ada("approval", "ask", "hold.release", resource, "--reason", "it is over")
    assert "own_request" in await ada("approval", "approve", approval, "--yes", code=1)
    assert approval in await bob("approval", "ls", "--state", "pending")
    assert "it is over" in await bob("approval", "show", approval)
    assert await bob("approval", "approve", approval, "--yes", "--comment", "yes") == f"{approval} approved"
    await ada("release", str(file.file_id), name, "--approval", approval)
    assert "used" in await bob("approval", "show", approval)
    assert await ada("rm", str(file.file_id), "--yes") == f"{file.file_id} deleted"


async def test_two_people_destroy_a_file(wire: Wire, store: ArtStore, ada: Terminal, bob: Terminal) -> None:
    file = (await wire.upload(b"personal data", retention=FAR)).json()["file_id"]
    ask = ("approval", "ask", "file.destroy", f"file:{file}", "--reason", "the data subject wants it")
    rejected, withdrawn, approved = [await ada(*ask) for _ in range(3)]
    await bob("approval", "reject", rejected)
    await ada("approval", "withdraw", withdrawn)
    await bob("approval", "approve", approved, "--yes")
    for approval in (rejected, withdrawn):
        assert "approval_invalid" in await ada("rm", file, "--yes", "--approval", approval, code=1)
    await ada("rm", file, "--yes", "--approval", approved)
    with pytest.raises(FileUnknown):
        await store.delete(parse_file_id(file))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_program_logs_in_with_its_key(
    wire: Wire, terminal: Callable[[str], Terminal], tmp_path: Path, algorithm: str
) -> None:
    name, key = f"signer-{unique_word()}", client_key(algorithm)
    grants = [{"collection": "*", "actions": ["read", "write"]}]
    new = {"client_id": name, "scopes": ["files:read", "files:write"], "grants": grants, "jwks": key.jwk}
    made = await wire.ask("POST", "admin", "/service-accounts", token=await administrator(wire), json=new)
    SECRETS_GIVEN.append(made.raise_for_status().json()["client_secret"])
    pem = tmp_path / "key.pem"
    pem.write_text(key.pem)
    shell = terminal(name)
    await shell("login", shell.url, "--client-id", name, "--key-file", str(pem))
    assert str(pem) in await shell("put", str(pem))
    pem.write_text(client_key("ES256", "of somebody else").pem)
    assert "Check them and log in again" in await shell("ls", code=3)


async def test_somebody_new_chooses_a_password_at_the_first_login(
    wire: Wire, terminal: Callable[[str], Terminal]
) -> None:
    word = unique_word()
    name, chosen = f"clerk-{word}", f"geese juggle {word}"
    new = {"username": name, "roles": ["readonly"]}
    made = await wire.ask("POST", "admin", "/administrators", token=await administrator(wire), json=new)
    first = made.raise_for_status().json()["temporary_password"]
    SECRETS_GIVEN.extend([first, chosen])
    shell = terminal(name)
    await shell("login", shell.url, "--username", name, typed=f"{first}\n{chosen}\n{chosen}\n")
    await shell("ls", "--limit", "1")
