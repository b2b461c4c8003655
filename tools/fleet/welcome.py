"""What `./fleet up` prints when all is ready: addresses, places, the first password, an example to paste."""

import os
import shlex
from pathlib import Path

from tools.fleet.fleet import Fleet
from tools.fleet.layout import ROOT
from tools.fleet.secrets import DEMO_ACCOUNT
from tools.fleet.servers import POSTGRES_SETTING
from tools.fleet.services import NAMES

EXTRACT = """sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/'"""
DUTIES = {
    "admin": "accounts, tokens, elements",
    "edit-1": "storage element, mode edit",
    "rw-1": "storage element, mode rw",
    "ingester": "takes documents in",
    "query": "finds and returns documents",
}


def welcome(fleet: Fleet) -> str:
    return "\n".join([*_addresses(fleet), "", *_places(fleet), "", *_password(fleet), *_example(fleet), ""])


def _addresses(fleet: Fleet) -> list[str]:
    lines = [f"  {name:<10} {fleet.url(name):<24} {DUTIES[name]}" for name in NAMES]
    for name, port in (("postgres", fleet.ports.postgres), ("redis", fleet.ports.redis)):
        where = f"127.0.0.1:{port}" if name in fleet.parts else "yours"
        lines.append(f"  {name:<10} {where}")
    return ["ArtStore is ready", "", *lines]


def _places(fleet: Fleet) -> list[str]:
    return [f"  data       {fleet.layout.data}", f"  logs       {fleet.layout.data / 'logs'}  (./fleet logs)"]


def _password(fleet: Fleet) -> list[str]:
    password = fleet.secrets.take_administrator_password()
    if password is None:
        return []
    lines = ["The first administrator. This password is shown once and kept nowhere in clear:"]
    if os.environ.get(POSTGRES_SETTING):
        lines.append("(if your database had an administrator before, he keeps his own password)")
    return [*lines, "", "  username   admin", f"  password   {password}", ""]


def _example(fleet: Fleet) -> list[str]:
    admin, ingester, query = (fleet.url(name) for name in ("admin", "ingester", "query"))
    secret = _short(fleet.secrets.path(DEMO_ACCOUNT))
    artstore = _short(ROOT / ".venv" / "bin" / "artstore")
    readme = _short(ROOT / "README.md")
    credentials = f'-d grant_type=client_credentials -d client_id={DEMO_ACCOUNT} -d client_secret="$(cat {secret})"'
    return [
        "Try it; these lines can be pasted into a second terminal:",
        "",
        f"  cd {shlex.quote(str(ROOT))}",
        f"  {artstore} login {admin} --client-id {DEMO_ACCOUNT} --secret-file {secret}",
        f"  {artstore} put {readme}",
        f"  {artstore} search artstore",
        "",
        "The same with curl:",
        "",
        f"  TOKEN=$(curl -s {credentials} {admin}/api/v1/auth/token | {EXTRACT})",
        f'  curl -s -H "Authorization: Bearer $TOKEN" --data-binary @{readme} '
        f"'{ingester}/api/v1/files?name=README.md&collection=default&media_type=text/markdown'",
        f"  curl -s -H \"Authorization: Bearer $TOKEN\" '{query}/api/v1/search?q=readme'",
        f'  curl -s -H "Authorization: Bearer $TOKEN" {query}/api/v1/files/FILE_ID/content -o copy',
    ]


def _short(path: Path) -> str:
    """As it can be typed in the repository's root."""
    return shlex.quote(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))
