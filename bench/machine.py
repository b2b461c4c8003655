"""The facts about this machine and these versions without which no figure can be compared."""

import os
import platform
import ssl
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from tools.fleet.layout import ROOT
from tools.fleet.postgres import find_binaries

PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "aiohttp", "httpx", "asyncpg", "sqlalchemy", "redis")


def facts(directory: Path) -> dict[str, object]:
    """What runs where; nothing that names the machine or its user."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_average_before": os.getloadavg(),
        "file_system": _file_system(directory),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "postgresql": _output(str(find_binaries() / "postgres"), "--version"),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _file_system(directory: Path) -> str:
    """The type of the file system that holds `directory`: the longest mount point above it."""
    mounts = [mount for mount in psutil.disk_partitions(all=True) if directory.is_relative_to(mount.mountpoint)]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype if mounts else "unknown"


def _git(*arguments: str) -> str:
    return _output("git", "-C", str(ROOT), *arguments)


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
