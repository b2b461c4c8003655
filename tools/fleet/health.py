"""What a service says of itself at /health/ready."""

import json
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from tools.fleet.ports import HOST

TIMEOUT_S = 5  # above the time that a service gives its own checks


@dataclass(frozen=True)
class Health:
    """`status` is ok, degraded or fail as the service says, or `silent` when it does not answer."""

    status: str
    troubles: dict[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return self.status in {"ok", "degraded"}


def ask(port: int) -> Health:
    connection = HTTPConnection(HOST, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        return _read(connection.getresponse().read())
    except (OSError, HTTPException, ValueError, KeyError):
        return Health("silent")
    finally:
        connection.close()


def _read(body: bytes) -> Health:
    answer = json.loads(body)
    checks = answer["checks"].items()
    troubles = {
        name: f"{check['health']} {check['detail']}".strip() for name, check in checks if check["health"] != "ok"
    }
    return Health(answer["health"], troubles)
