"""The verifier asks a log that is served, with a witness's file and a token."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from admin_module.adapters.tables.audit import audit_entries
from admin_module.config import Settings
from admin_module.factory import Services
from admin_module.main import create_app
from artstore_kit.testing.application import open_server
from artstore_kit.testing.patience import eventually

TOOLS = Path(__file__).parents[3] / "tools"
IN_PARTS_OF_THREE = "import sys, verify_audit; verify_audit.PART = 3; sys.exit(verify_audit.main())"
type Said = tuple[int, str, str]


@dataclass
class Outsider:
    """Who has a witness's file and a token for the log at this address."""

    url: str
    directory: Path
    note: str

    async def checks(self) -> Said:
        asked = ["--witness", "kept", "--log", self.url, "--token-file", "token"]
        tool = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", IN_PARTS_OF_THREE, *asked),
            cwd=self.directory,
            env={"PYTHONPATH": str(TOOLS)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await tool.communicate()
        return tool.returncode or 0, out.decode(), err.decode()


@pytest.fixture
async def outsider(
    client: httpx.AsyncClient, as_administrator: dict[str, str], other_node: Settings, tmp_path: Path
) -> AsyncIterator[Outsider]:
    """A log of more than one part, witnessed."""

    async def signed() -> bool:
        answer = await client.get("/api/v1/audit/checkpoint")
        return answer.status_code == 200 and int(answer.text.split("\n")[1]) > 3

    await eventually(signed, within_s=20)
    key = (await client.get("/.well-known/artstore-audit")).text.strip()
    note = (await client.get("/api/v1/audit/checkpoint")).text
    lines = [{"key": key}, {"seen_at": str(datetime.now(UTC)), "note": note}]
    (tmp_path / "kept").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "token").write_text(as_administrator["Authorization"].removeprefix("Bearer "))
    async with open_server(create_app(other_node)) as url:
        yield Outsider(url, tmp_path, note)


async def test_a_served_log_is_checked(outsider: Outsider) -> None:
    code, said, err = await outsider.checks()
    assert (code, err) == (0, ""), said
    places, verdict = said.splitlines()
    assert (places[:5], places[-51:]) == ("0 of ", " places are gone; 0 leaves are signed by nobody yet")
    assert verdict == f"{outsider.note.split(chr(10))[1]} witnessed entries are what they were"


async def test_a_token_that_is_none_is_told_with_what_to_do(outsider: Outsider) -> None:
    (outsider.directory / "token").write_text("of yesterday")
    code, said, err = await outsider.checks()
    assert (code, said) == (2, "")
    assert err == "verify_audit: cannot check: <HTTPError 401: 'Unauthorized'>: write a fresh token into token\n"


async def test_a_served_log_that_was_tampered_with(outsider: Outsider, services: Services) -> None:
    edited = sa.text("convert_to(replace(convert_from(leaf, 'UTF8'), 'service', 'servant'), 'UTF8')")
    statement = audit_entries.update().where(audit_entries.c.index == 2).values(leaf=edited)
    async with services.accounts.database.transaction() as connection:
        assert (await connection.execute(statement)).rowcount == 1
    code, said, _ = await outsider.checks()
    assert code == 1
    assert "\nedited: among the first " in said
    assert "the log is not what was witnessed at " in said
