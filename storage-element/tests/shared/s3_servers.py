"""S3 servers for tests: moto's inside this process, and SeaweedFS as one of its own."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from storage_element.config import S3Settings
from tools.fleet.directories import open_directory
from tools.fleet.ports import free_ports

BUCKET = "artstore"
KEY, SECRET = "tests", "tests-secret"
IDENTITY = {
    "name": "tests",
    "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
}
READY_WITHIN_S = 60
GIBIBYTE = 2**30


def settings_of(url: str, prefix: str, **changes: object) -> S3Settings:
    """An element below `prefix`; a store that hesitates is asked again soon."""
    return S3Settings.model_validate(
        {
            "bucket": BUCKET,
            "endpoint_url": url,
            "prefix": prefix,
            "access_key_id": KEY,
            "secret_access_key": SecretStr(SECRET),
            "capacity_bytes": GIBIBYTE,
            "part_bytes": 5 * 2**20,
            **changes,
        }
    )


@contextmanager
def moto() -> Iterator[str]:
    """The URL of a store that looks at no signature and keeps everything in memory."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def seaweed() -> Iterator[str]:
    """The URL of a SeaweedFS with nothing in it. It takes ten seconds and more to end in order, so it is killed."""
    with open_directory() as directory:
        identities = directory / "s3.json"
        identities.write_text(json.dumps({"identities": [IDENTITY]}))
        arguments, url = _arguments(directory, identities)
        binary = Path(sys.executable).with_name("weed")
        with (directory / "log").open("wb") as log:
            environment = os.environ | {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
            popen = subprocess.Popen([binary, *arguments], env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_until_ready(popen, url, directory / "log")
            yield url
        finally:
            popen.terminate()
            try:
                popen.wait(2)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()


def _arguments(directory: Path, identities: Path) -> tuple[list[str], str]:
    names = ("master", "volume", "filer", "s3")
    ports = free_ports(2 * len(names))
    data = directory / "data"
    data.mkdir()
    arguments = ["server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", f"-s3.config={identities}"]
    for at, name in enumerate(names):
        arguments += [f"-{name}.port={ports[2 * at]}", f"-{name}.port.grpc={ports[2 * at + 1]}"]
    arguments += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-master.telemetry=false"]
    arguments += ["-master.raftHashicorp", "-master.electionTimeout=1s", "-master.heartbeatInterval=200ms"]
    arguments += ["-volume.preStopSeconds=0", "-master.volumeSizeLimitMB=64", "-volume.max=2000"]
    return arguments, f"http://127.0.0.1:{ports[6]}"


def _wait_until_ready(popen: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and popen.poll() is None:
        try:
            with urlopen(f"{url}/healthz", timeout=1) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(log.read_text(errors="replace")[-2000:])
