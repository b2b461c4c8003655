"""What docs/operations/administration.md says can be pasted, and works."""

import os
import re
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.fleet.documents import unique_word
from tests.fleet.people import administrator
from tests.fleet.wire import Wire
from tools.fleet.layout import ROOT

PAGE = ROOT / "docs" / "operations" / "administration.md"


async def test_every_line_of_the_page_works(wire: Wire, tmp_path: Path) -> None:
    await administrator(wire)  # has chosen a password, as at the first login
    given = {
        "ADMIN": wire.fleet.url("admin"),
        "INGESTER": wire.fleet.url("ingester"),
        "QUERY": wire.fleet.url("query"),
        "PASSWORD": wire.fleet.secrets.value("administrator-chosen"),
        "SECOND": f"berta-{unique_word()}",
        "SECOND_PASSWORD": "quiet otters cross moonlit rivers",
        "CLIENT": f"scanner-{unique_word()}",
        "WORK": str(tmp_path),
    }
    lines = "".join(re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.M | re.S))
    shell = await create_subprocess_exec(
        "sh", "-eux", "-c", lines, cwd=ROOT, env={**os.environ, **given}, stdout=PIPE, stderr=PIPE
    )
    said, traced = await shell.communicate()
    assert shell.returncode == 0, traced.decode()[-2000:] + said.decode()[-2000:]
    assert b"witnessed entries are what they were" in said
    assert (tmp_path / "approvals.csv").read_text().count("\n") > 1
