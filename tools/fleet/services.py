"""What each service of the fleet is: its package, its port, its database, its environment."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.fleet.databases import with_database
from tools.fleet.layout import Layout
from tools.fleet.ports import HOST, Ports
from tools.fleet.secrets import Secrets
from tools.fleet.servers import Servers, without_password

# Each stage starts when the one before it is ready; inside a stage all start side by side.
STAGES: Sequence[Sequence[str]] = (("admin",), ("edit-1", "rw-1"), ("ingester", "query"))
NAMES = tuple(name for stage in STAGES for name in stage)
# Without these glibc maps and trims memory for each network buffer, which costs large bodies most of their speed.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "67108864",
    "MALLOC_TRIM_THRESHOLD_": "268435456",
    "MALLOC_TOP_PAD_": "16777216",
}
PASSED_ON = ("PATH", "TMPDIR", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE")


@dataclass(frozen=True)
class Service:
    name: str
    package: str
    port: int
    environment: Mapping[str, str] = field(repr=False)
    database: str | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def command(self, verb: str) -> list[str]:
        return [sys.executable, "-m", self.package, verb]


@dataclass(frozen=True)
class Describer:
    """Says what a service is now: secrets that were used up since its last start are no longer handed to it."""

    layout: Layout
    ports: Ports
    servers: Servers
    secrets: Secrets
    extra: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def service(self, name: str) -> Service:
        match name:
            case "admin":
                return self._service(name, "admin_module", self.ports.admin, self._admin(), "artstore_admin")
            case "edit-1":
                return self._element(name, "edit", self.ports.edit_1)
            case "rw-1":
                return self._element(name, "rw", self.ports.rw_1)
            case "ingester":
                own = {**self._account("ingester-module"), **self._redis()}
                own["ARTSTORE_PUBLIC__QUERY_URL"] = self._url(self.ports.query)
                return self._service(name, "ingester_module", self.ports.ingester, own, None)
            case "query":
                own = {**self._account("query-module"), **self._redis()}
                return self._service(name, "query_module", self.ports.query, own, "artstore_query")
        raise KeyError(name)

    def password(self, database: str) -> Path:
        return self.secrets.path(f"database-{database}")

    def _service(self, name: str, package: str, port: int, own: Mapping[str, str], database: str | None) -> Service:
        shared = {
            **{variable: os.environ[variable] for variable in PASSED_ON if variable in os.environ},
            **ALLOCATOR,
            "LANG": "C.UTF-8",
            "ARTSTORE_SERVER__HOST": HOST,
            "ARTSTORE_SERVER__PORT": str(port),
            "ARTSTORE_AUDIT__SPOOL_DIR": str(self.layout.audit(name)),
            "ARTSTORE_TOKENS__ISSUER": self._url(self.ports.admin),
        }
        postgres = self._postgres(database) if database else {}
        settings = {**shared, **postgres, **own, **self.extra.get(name, {})}
        return Service(name, package, port, settings, database)

    def _element(self, name: str, mode: str, port: int) -> Service:
        own = {
            **self._account("storage-element"),
            "ARTSTORE_ELEMENT__ID": name,
            "ARTSTORE_ELEMENT__MODE": mode,
            "ARTSTORE_ELEMENT__ROOT": str(self.layout.element(name)),
            "ARTSTORE_ELEMENT__URL": self._url(port),
        }
        return self._service(name, "storage_element", port, own, f"artstore_se_{name.replace('-', '_')}")

    def _admin(self) -> dict[str, str]:
        own = {
            "ARTSTORE_KEYS__SEALING_KEY_FILE": str(self.secrets.sealing_key()),
            "ARTSTORE_BOOTSTRAP__ACCOUNTS_FILE": str(self.secrets.accounts()),
            "ARTSTORE_PUBLIC__ADMIN_URL": self._url(self.ports.admin),
            "ARTSTORE_PUBLIC__INGESTER_URL": self._url(self.ports.ingester),
            "ARTSTORE_PUBLIC__QUERY_URL": self._url(self.ports.query),
            **self._redis(),
        }
        if password := self.secrets.administrator():
            own["ARTSTORE_BOOTSTRAP__ADMINISTRATOR_PASSWORD_FILE"] = str(password)
        return own

    def _account(self, client_id: str) -> dict[str, str]:
        return {
            "ARTSTORE_ACCOUNT__CLIENT_ID": client_id,
            "ARTSTORE_ACCOUNT__CLIENT_SECRET_FILE": str(self.secrets.path(client_id)),
            "ARTSTORE_ADMIN__URL": self._url(self.ports.admin),
        }

    def _postgres(self, database: str) -> dict[str, str]:
        return {
            "ARTSTORE_POSTGRES__URL": with_database(self.servers.cluster.url, database, user=database),
            "ARTSTORE_POSTGRES__PASSWORD_FILE": str(self.password(database)),
        }

    def _redis(self) -> dict[str, str]:
        url, password = without_password(self.servers.redis_url)
        settings = {"ARTSTORE_REDIS__URL": url}
        if self.servers.redis:
            settings["ARTSTORE_REDIS__PASSWORD_FILE"] = str(self.secrets.path("redis"))
        elif password:
            settings["ARTSTORE_REDIS__PASSWORD_FILE"] = str(self.secrets.given("redis-given", password))
        return settings

    @staticmethod
    def _url(port: int) -> str:
        return f"http://{HOST}:{port}"
