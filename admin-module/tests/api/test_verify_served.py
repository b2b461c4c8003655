"""The verifier asks a log that is served, with a witness's file and a token."""

import asyncio
import json
import sys
from pathlib import Path

import httpx

from admin_module.config import Settings
from admin_module.main import create_app
from artstore_kit.testing.application import open_server
from artstore_kit.testing.patience import eventually

TOOL = Path(__file__).parents[3] / "tools" / "verify_audit.py"


async def test_a_served_log_is_checked(
    client: httpx.AsyncClient, as_administrator: dict[str, str], other_node: Settings, tmp_path: Path
) -> None:
    async def signed() -> bool:
        return (await client.get("/api/v1/audit/checkpoint")).status_code == 200

    await eventually(signed, within_s=20)
    key = (await client.get("/.well-known/artstore-audit")).text.strip()
    note = (await client.get("/api/v1/audit/checkpoint")).text
    lines = [{"key": key}, {"seen_at": "now", "note": note}]
    (tmp_path / "kept").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "token").write_text(as_administrator["Authorization"].removeprefix("Bearer "))
    async with open_server(create_app(other_node)) as url:
        asked = ["--witness", str(tmp_path / "kept"), "--log", url, "--token-file", str(tmp_path / "token")]
        tool = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(TOOL), *asked, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await tool.communicate()
    assert (tool.returncode, err) == (0, b""), out
    assert out.decode() == f"{note.split(chr(10))[1]} witnessed entries are what they were\n"
