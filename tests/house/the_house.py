"""What the house tests know of the repository: its services, their applications and its documents."""

import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings

from artstore_kit.application import Application
from artstore_kit.audit.declared import Declarations

ROOT = Path(__file__).parents[2]
SERVICES = {
    "admin-module": "admin_module",
    "storage-element": "storage_element",
    "ingester-module": "ingester_module",
    "query-module": "query_module",
}
PACKAGES = ["artstore_kit", *SERVICES.values(), "artstore"]


def settings_of(package: str) -> type[BaseSettings]:
    """The settings of a service."""
    kind: type[BaseSettings] = import_module(f"{package}.config").Settings
    return kind


def application_of(package: str) -> Application:
    """A service's application, composed but not started."""
    settings: Any = import_module(f"{package}.__main__").example()
    app: Application = import_module(f"{package}.main").create_app(settings)
    return app


def declarations_of(package: str) -> Declarations:
    """What the audit log is told of each route of a service."""
    declarations: Declarations = import_module(f"{package}.api.audited").AUDITED
    return declarations


def tracked_files(*patterns: str) -> list[Path]:
    """The files that git tracks, or would."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def documents() -> list[Path]:
    """Every document of the repository."""
    return tracked_files("*.md")
