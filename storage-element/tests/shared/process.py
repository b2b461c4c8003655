"""An element as a process of its own, which can be stopped, frozen and killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from artstore_kit.testing.application import free_port
from storage_element.config import Settings


@dataclass
class Process:
    """`python -m storage_element serve`."""

    popen: "subprocess.Popen[bytes]"
    log: Path
    url: str

    async def ready(self, within_s: float = 30) -> None:
        """Return when it serves; fails when it has ended."""
        async with asyncio.timeout(within_s), httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            while self.popen.poll() is None:
                with suppress(httpx.TransportError):
                    if (await http.get("/health/ready")).status_code == 200:
                        return
                await asyncio.sleep(0.05)
        raise RuntimeError(self.log.read_text()[-2000:])

    def copy_frozen(self, copies: Mapping[Path, Path], also: Callable[[], object] = lambda: None) -> None:
        """What a kill -9 at this moment would leave of each directory, beside it; `also` is called meanwhile."""
        self.popen.send_signal(signal.SIGSTOP)
        try:
            _wait_until_stopped(self.popen.pid)
            for root, to in copies.items():
                subprocess.run(["cp", "--archive", "--sparse=always", str(root), str(to)], check=True)
            also()
        finally:
            self.popen.send_signal(signal.SIGCONT)

    async def ended(self, within_s: float = 60) -> int:
        """Its exit code."""
        return await asyncio.to_thread(self.popen.wait, within_s)


def _wait_until_stopped(pid: int) -> None:
    while "State:\tT" not in Path(f"/proc/{pid}/status").read_text():
        pass


def environment(settings: Settings, port: int) -> dict[str, str]:
    """The variables that say what `settings` does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARTSTORE_")}
    return (
        kept
        | _place(settings)
        | {
            "ARTSTORE_SERVER__PORT": str(port),
            "ARTSTORE_POSTGRES__URL": settings.postgres.url,
            "ARTSTORE_TOKENS__ISSUER": settings.tokens.issuer,
            "ARTSTORE_ACCOUNT__CLIENT_ID": settings.account.client_id,
            "ARTSTORE_ACCOUNT__CLIENT_SECRET": settings.account.client_secret.get_secret_value(),
            "ARTSTORE_ADMIN__URL": settings.admin.url,
            "ARTSTORE_AUDIT__SPOOL_DIR": str(settings.audit.spool_dir),
            "ARTSTORE_ELEMENT__ID": settings.element.id,
            "ARTSTORE_ELEMENT__URL": settings.element.url,
            "ARTSTORE_CAPACITY__RESERVE_BYTES": str(settings.capacity.reserve_bytes),
            "ARTSTORE_JOURNAL__SEGMENT_BYTES": str(settings.journal.segment_bytes),
            "ARTSTORE_JOURNAL__CHECKPOINT_INTERVAL_S": str(settings.journal.checkpoint_interval_s),
        }
    )


def _place(settings: Settings) -> dict[str, str]:
    """The directory or the bucket."""
    if settings.element.root is not None:
        return {"ARTSTORE_ELEMENT__ROOT": str(settings.element.root)}
    given = settings.s3.model_dump(exclude_defaults=True)
    assert settings.s3.secret_access_key is not None, "it was given"
    given["secret_access_key"] = settings.s3.secret_access_key.get_secret_value()
    return {f"ARTSTORE_S3__{name.upper()}": str(value) for name, value in given.items()}


@asynccontextmanager
async def started(settings: Settings, log: Path, changes: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """A process that was told to serve; killed at the end when it still runs."""
    port = free_port()
    with log.open("wb") as output:
        popen = subprocess.Popen(  # noqa: ASYNC220 (it returns at once)
            [sys.executable, "-m", "storage_element", "serve"],
            env=environment(settings, port) | dict(changes or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Process(popen, log, f"http://127.0.0.1:{port}")
    finally:
        popen.kill()
        popen.wait()
