"""What a served process is set to."""

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

import httpx

from artstore_kit.command import COLLECT_AFTER
from artstore_kit.testing.application import free_port

SERVED = """
import gc, sys
from asyncio import Event
from fastapi import FastAPI
from artstore_kit.command import serve
from artstore_kit.settings import ServerSettings, ServiceSettings, TokenSettings

app = FastAPI()
app.state.stopping = Event()

@app.get("/")
async def tell():
    return {"frozen": gc.get_freeze_count(), "threshold": gc.get_threshold()[0], "switch": sys.getswitchinterval()}

settings = ServiceSettings(server=ServerSettings(port=int(sys.argv[1])), tokens=TokenSettings(issuer="http://x"))
serve(app, settings)
"""


def _asked(url: str, served: "subprocess.Popen[bytes]", within_s: float = 20) -> dict[str, float]:
    until = monotonic() + within_s
    while served.poll() is None and monotonic() < until:
        with suppress(httpx.TransportError):
            told: dict[str, float] = httpx.get(url, trust_env=False).json()
            return told
    raise RuntimeError(f"not served; exit code {served.poll()}")


def test_what_lives_as_long_as_the_process_is_not_searched_for_circles(tmp_path: Path) -> None:
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", SERVED, str(port)], cwd=tmp_path) as served:
        try:
            told = _asked(f"http://127.0.0.1:{port}/", served)
        finally:
            served.send_signal(signal.SIGTERM)
        assert served.wait(20) == -signal.SIGTERM

    assert told["frozen"] > 10_000, json.dumps(told)
    assert told["threshold"] == COLLECT_AFTER
    assert told["switch"] == 0.0005
