"""What `./fleet up` prints when all is ready: addresses, places, the first password, an example to paste."""

import json
import os
import shlex
from pathlib import Path

from tools.fleet.fleet import Fleet
from tools.fleet.layout import ROOT
from tools.fleet.secrets import DEMO_ACCOUNT
from tools.fleet.servers import POSTGRES_SETTING
from tools.fleet.services import NAMES

PASSWORD_TO_CHOOSE = "YOUR NEW PASSWORD"  # noqa: S105 (a place to write it)
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
    return [
        *lines,
        "",
        "  username   admin",
        f"  password   {password}",
        "",
        "It is good for one thing: choosing another one. Put yours (12 signs or more) into this line and paste it:",
        "",
        f"  {_with_password(fleet, password)}",
        "",
    ]


def _with_password(fleet: Fleet, password: str) -> str:
    change = json.dumps({"username": "admin", "old_password": password, "new_password": PASSWORD_TO_CHOOSE})
    where = f"{fleet.url('admin')}/api/v1/auth/password"
    return f"curl -f -H 'Content-Type: application/json' -d '{change}' {where} && echo changed"


def _example(fleet: Fleet) -> list[str]:
    return [
        "Try it; these lines can be pasted into a second terminal:",
        "",
        f"  cd {shlex.quote(str(ROOT))}",
        *(f"  {line}" for line in _with_command(fleet)),
        "",
        "The same with curl:",
        "",
        *(f"  {line}" for line in _with_curl(fleet)),
    ]


def _with_command(fleet: Fleet) -> list[str]:
    artstore = _short(ROOT / ".venv" / "bin" / "artstore")
    secret = _short(fleet.secrets.path(DEMO_ACCOUNT))
    return [
        f"{artstore} login {fleet.url('admin')} --client-id {DEMO_ACCOUNT} --secret-file {secret}",
        f"FILE=$({artstore} put README.md | cut -f1)",
        f"{artstore} search readme",
        f"{artstore} get $FILE --force --output /tmp/README.copy && cmp README.md /tmp/README.copy && echo identical",
    ]


def _with_curl(fleet: Fleet) -> list[str]:
    secret = _short(fleet.secrets.path(DEMO_ACCOUNT))
    credentials = f'-d grant_type=client_credentials -d client_id={DEMO_ACCOUNT} -d client_secret="$(cat {secret})"'
    authorised = 'curl -s -H "Authorization: Bearer $TOKEN"'
    upload = f"{fleet.url('ingester')}/api/v1/files?name=README.md&media_type=text/markdown"
    query = f"{fleet.url('query')}/api/v1"
    return [
        f"TOKEN=$(curl -s {credentials} {fleet.url('admin')}/api/v1/auth/token | {_extract('access_token')})",
        f"FILE=$({authorised} --data-binary @README.md '{upload}' | {_extract('file_id')})",
        f"{authorised} '{query}/search?q=readme'",
        f"{authorised} {query}/files/$FILE/content | cmp - README.md && echo identical",
    ]


def _extract(field: str) -> str:
    """A field of a JSON answer with what every machine has."""
    return f"""sed 's/.*"{field}": *"\\([^"]*\\)".*/\\1/'"""


def _short(path: Path) -> str:
    """As it can be typed in the repository's root."""
    return shlex.quote(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))
