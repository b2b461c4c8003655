"""Where a fleet's data lie: one directory with secrets, run state, logs and everything that must last."""

import errno
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.fleet.errors import FleetError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_DATA = ROOT / ".fleet"
FREE_NEEDED_BYTES = 1024 * 1024 * 1024  # the elements alone keep half of it free
# What the launcher made; `reset` deletes these and never anything else that happens to lie beside them.
OWNED = ("audit", "bench", "demo", "elements", "logs", "postgres", "postgres.new", "redis", "run", "secrets")


@dataclass(frozen=True)
class Layout:
    data: Path

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def redis(self) -> Path:
        return self.data / "redis"

    def audit(self, name: str) -> Path:
        """The spool of audit entries of one service."""
        return self.data / "audit" / name

    def element(self, name: str) -> Path:
        return self.data / "elements" / name

    def log(self, name: str) -> Path:
        return self.data / "logs" / f"{name}.log"

    def logs(self) -> list[Path]:
        return sorted((self.data / "logs").glob("*.log"))

    def prepare(self) -> None:
        """Makes what is missing; refuses a disk that is nearly full before anything is half written to it."""
        try:
            # Others may pass through, because PostgreSQL may have to run as another user, but not look around.
            self.data.mkdir(parents=True, exist_ok=True, mode=0o711)
            for private in (self.secrets, self.run, self.data / "audit", self.data / "elements", self.data / "logs"):
                private.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise FleetError(f"cannot write to the data directory {self.data}: {error.strerror}") from error
        self._refuse_full_disk()
        self._refuse_read_only()

    def exists(self) -> bool:
        return self.run.is_dir()

    def delete(self) -> None:
        for name in OWNED:
            shutil.rmtree(self.data / name, ignore_errors=True)
        try:
            self.data.rmdir()
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.ENOENT, errno.EBUSY}:
                raise

    def _refuse_full_disk(self) -> None:
        free = shutil.disk_usage(self.data).free
        if free < FREE_NEEDED_BYTES:
            raise FleetError(
                f"only {free // 2**20} MiB are free on the disk of {self.data}; ArtStore needs at least "
                f"{FREE_NEEDED_BYTES // 2**20} MiB to start. Free some space, or use another disk with --data DIR."
            )

    def _refuse_read_only(self) -> None:
        if not os.access(self.run, os.W_OK):
            raise FleetError(f"the data directory {self.data} belongs to another user; use another with --data DIR")
