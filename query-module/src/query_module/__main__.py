"""`python -m query_module serve | migrate | openapi`."""

from pathlib import Path

from pydantic import SecretStr

from artstore_kit.command import run
from artstore_kit.settings import (
    AccountSettings,
    AdminSettings,
    AuditSettings,
    PostgresSettings,
    RedisSettings,
    ServerSettings,
    TokenSettings,
)
from query_module.config import Settings
from query_module.main import create_app


def example() -> Settings:
    """Settings that are good enough to describe the API."""
    return Settings(
        server=ServerSettings(port=8030),
        tokens=TokenSettings(issuer="http://127.0.0.1:8000"),
        postgres=PostgresSettings(url="postgresql://artstore_query@127.0.0.1/artstore_query"),
        redis=RedisSettings(url="redis://127.0.0.1:6379/0"),
        account=AccountSettings(client_id="query-module", client_secret=SecretStr("example")),
        admin=AdminSettings(url="http://127.0.0.1:8000"),
        audit=AuditSettings(spool_dir=Path("audit")),
    )


if __name__ == "__main__":
    run("query_module", Settings, create_app, example)
