"""`python -m ingester_module serve | openapi`."""

from pathlib import Path

from pydantic import SecretStr

from artstore_kit.command import run
from artstore_kit.settings import (
    AccountSettings,
    AdminSettings,
    AuditSettings,
    RedisSettings,
    ServerSettings,
    TokenSettings,
)
from ingester_module.config import Settings
from ingester_module.main import create_app


def example() -> Settings:
    """Settings that are good enough to describe the API."""
    return Settings(
        server=ServerSettings(port=8020),
        tokens=TokenSettings(issuer="http://127.0.0.1:8000"),
        redis=RedisSettings(url="redis://127.0.0.1:8079"),
        account=AccountSettings(client_id="ingester-module", client_secret=SecretStr("example")),
        admin=AdminSettings(url="http://127.0.0.1:8000"),
        audit=AuditSettings(spool_dir=Path("audit")),
    )


if __name__ == "__main__":
    run("ingester_module", Settings, create_app, example)
