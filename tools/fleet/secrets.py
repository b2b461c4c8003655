"""Development secrets: random, one file each, readable by their owner alone."""

import base64
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEMO_ACCOUNT = "fleet-demo"
EVERYTHING = ({"collection": "*", "actions": ["read", "write", "delete"]},)
# Service account -> what it may; admin brings them to this at each start.
ACCOUNTS: Mapping[str, Sequence[str]] = {
    "storage-element": ("elements:write", "elements:read", "approvals:use", "audit:write"),
    "ingester-module": (
        "files:write",
        "files:read",
        "files:delete",
        "files:hold",
        "elements:read",
        "fleet:act-for",
        "audit:write",
    ),
    "query-module": ("files:read", "elements:read", "fleet:act-for", "audit:write"),
    DEMO_ACCOUNT: ("files:read", "files:write", "files:delete", "elements:read"),
}


@dataclass(frozen=True)
class Secrets:
    directory: Path

    def path(self, name: str) -> Path:
        """The file of a secret, made at the first call and the same ever after."""
        return self._once(name, secrets.token_urlsafe(32))

    def value(self, name: str) -> str:
        return self.path(name).read_text()

    def sealing_key(self) -> Path:
        return self._once("sealing-key", base64.b64encode(secrets.token_bytes(32)).decode())

    def accounts(self) -> Path:
        """The list of service accounts in the form that the admin module reads at each start, as it is today."""
        accounts = [
            {
                "client_id": name,
                "client_secret": self.value(name),
                "scopes": list(scopes),
                "grants": list(EVERYTHING),
                "description": f"made by the launcher for {name}",
            }
            for name, scopes in ACCOUNTS.items()
        ]
        return self.given("accounts.json", json.dumps(accounts, indent=2))

    def administrator(self) -> Path | None:
        """The first administrator's password, until it was shown; None from then on."""
        return None if self._shown.exists() else self._once("administrator-password", secrets.token_urlsafe(12))

    def take_administrator_password(self) -> str | None:
        """The password, once: it is not kept in clear after this call."""
        path = self.administrator()
        if path is None:
            return None
        password = path.read_text()
        write_private(self._shown, "")
        path.unlink()
        return password

    def given(self, name: str, value: str) -> Path:
        """A secret that the user named in the environment, handed on as a file; it may change between starts."""
        path = self.directory / name
        write_private(path, value)
        return path

    @property
    def _shown(self) -> Path:
        return self.directory / "administrator-password-was-shown"

    def _once(self, name: str, value: str) -> Path:
        path = self.directory / name
        if not path.exists():
            write_private(path, value)
        return path


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
