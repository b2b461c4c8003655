"""`python -m storage_element serve | migrate | openapi`."""

from pathlib import Path

from pydantic import SecretStr

from artstore_kit.command import run
from artstore_kit.settings import (
    AccountSettings,
    AdminSettings,
    AuditSettings,
    PostgresSettings,
    ServerSettings,
    TokenSettings,
)
from storage_element.config import ElementSettings, Settings
from storage_element.main import create_app


def example() -> Settings:
    """Settings that are good enough to describe the API."""
    return Settings(
        server=ServerSettings(port=8010),
        tokens=TokenSettings(issuer="http://127.0.0.1:8000"),
        postgres=PostgresSettings(url="postgresql://artstore@127.0.0.1/artstore_se_edit_1"),
        account=AccountSettings(client_id="storage-element", client_secret=SecretStr("example")),
        admin=AdminSettings(url="http://127.0.0.1:8000"),
        audit=AuditSettings(spool_dir=Path("audit")),
        element=ElementSettings(id="edit-1", root=Path("edit-1"), url="http://127.0.0.1:8010"),
    )


if __name__ == "__main__":
    run("storage_element", Settings, create_app, example)
