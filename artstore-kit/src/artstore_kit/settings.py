"""Settings blocks that services share, read from `ARTSTORE_*` variables and nothing else."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import AnyHttpUrl, BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from artstore_kit.proxies import TrustedProxies, networks_in
from artstore_kit.start import StartRefused

PREFIX = "ARTSTORE_"
EXIT_WRONG_SETTINGS = 2


class ServerSettings(BaseModel):
    """Where the service listens."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(ge=0, le=65535, description="port to listen on")
    keep_alive_s: int = Field(75, ge=1, description="an idle connection is closed after this; above the clients' own")
    body_idle_s: float = Field(
        60.0, gt=0, description="a request is given up when nothing of its body comes for so long"
    )
    drain_s: int = Field(10, ge=0, description="how long requests under way may take when the service stops")
    trusted_proxies: str = Field(
        "", description="networks (CIDR, parted by commas) of proxies that are believed where a request comes from"
    )
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = Field(
        "x-forwarded-for", description="the header in which they say it; the other one is never looked at"
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        networks_in(value)
        return value

    @property
    def proxies(self) -> TrustedProxies | None:
        """Who is believed; None when nobody is."""
        networks = networks_in(self.trusted_proxies)
        return TrustedProxies(networks, self.forwarded_header) if networks else None


class LogSettings(BaseModel):
    """What is logged."""

    level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least severe level that is logged")


class TracingSettings(BaseModel):
    """Where traces go."""

    otlp_endpoint: AnyHttpUrl | None = Field(None, description="OTLP/HTTP collector; tracing is off when unset")
    sample_ratio: float = Field(1.0, ge=0, le=1, description="share of new traces that are recorded")


class PostgresSettings(BaseModel):
    """The service's own database."""

    url: str = Field(
        pattern="^postgresql://", description="postgresql://user@host:port/database, with `?ssl=require` and the like"
    )
    password: SecretStr | None = Field(None, description="password of that user")
    pool_size: int = Field(8, ge=1, description="connections at most; they are kept open")
    connect_timeout_s: float = Field(3.0, gt=0, description="a connection is given up after this")
    statement_timeout_s: float = Field(30.0, gt=0, description="a statement is ended by the server after this")


class RedisSettings(BaseModel):
    """Redis or Valkey: one server, Sentinel or Cluster, told apart by the URL."""

    url: str = Field(
        pattern="^(redis|rediss|sentinel|cluster)://",
        description="redis://host:port/db, rediss:// for TLS, sentinel://host:port,host:port/master, "
        "cluster://host:port,host:port",
    )
    password: SecretStr | None = Field(None, description="password of the server")
    timeout_s: float = Field(1.0, gt=0, description="a command is given up after this")


class TokenSettings(BaseModel):
    """Which access tokens are accepted."""

    issuer: str = Field(description="the `iss` of accepted tokens: the admin module's public address")
    jwks_url: str | None = Field(None, description="signing keys; `<issuer>/.well-known/jwks.json` when unset")
    audience: str = Field("artstore", description="the `aud` of accepted tokens")
    pull_interval_s: float = Field(
        20.0, gt=0, le=20, description="how often the signing keys and what was revoked are asked for"
    )

    @property
    def keys_url(self) -> str:
        """Where the signing keys are fetched."""
        return self.jwks_url or f"{self.issuer.rstrip('/')}/.well-known/jwks.json"


class AccountSettings(BaseModel):
    """The service account under which this service calls others."""

    client_id: str = Field(description="name of the service account")
    client_secret: SecretStr = Field(description="its secret")


class AdminSettings(BaseModel):
    """The admin module."""

    url: str = Field(pattern="^https?://", description="address of the admin module")


class AuditSettings(BaseModel):
    """Where entries of the audit log wait until they are delivered."""

    spool_dir: Path = Field(description="directory for entries that are not delivered yet; each process has its own")
    spool_limit_bytes: int = Field(256 * 2**20, ge=2**16, description="so much may wait there")


class VariableSettings(BaseSettings):
    """Blocks of settings from variables, of which others may take others."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables, with secrets from the files that `*_FILE` variables name; no dotenv, no other source."""
        return init_settings, _VariablesAndFiles(settings_cls)


class ServiceSettings(VariableSettings):
    """What every service is told; each adds blocks of its own. A variable that it does not know is a mistake."""

    model_config = SettingsConfigDict(extra="forbid")

    server: ServerSettings
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    tokens: TokenSettings


class MemberSettings(ServiceSettings):
    """What every service but the admin module is told: where that is, and who it is there."""

    account: AccountSettings
    admin: AdminSettings
    audit: AuditSettings


class _VariablesAndFiles(EnvSettingsSource):
    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in _expanded(self.settings_cls, os.environ).items()}


class WrongSettings(StartRefused):
    """The service cannot start with these settings."""


def load[S: VariableSettings](kind: type[S]) -> S:
    """The settings of this process; `WrongSettings` names each wrong or missing variable and what it should be."""
    names = dict(variables(kind))
    unknown = sorted(n for n in os.environ if n.startswith(PREFIX) and n.removesuffix("_FILE") not in names)
    if unknown and kind.model_config.get("extra") == "forbid":
        raise WrongSettings("\n".join(f"{name}: no such setting" for name in unknown))
    try:
        return kind()  # type: ignore[call-arg,unused-ignore]
    except ValidationError as error:
        raise WrongSettings("\n".join(_sentences(error, names))) from None


def load_or_exit[S: ServiceSettings](kind: type[S]) -> S:
    """`load`, ending the process with `EXIT_WRONG_SETTINGS` and a message on wrong settings."""
    try:
        return load(kind)
    except WrongSettings as error:
        sys.stderr.write(f"This service cannot start; its settings are wrong:\n{error}\n")
        sys.exit(EXIT_WRONG_SETTINGS)


def variables(kind: type[BaseModel], prefix: str = PREFIX) -> Iterator[tuple[str, str]]:
    """Every variable that `kind` reads, with its description."""
    for name, field in kind.model_fields.items():
        block = field.annotation
        if isinstance(block, type) and issubclass(block, BaseModel):
            yield from variables(block, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", field.description or ""


def _expanded(kind: type[BaseModel], environment: Mapping[str, str]) -> dict[str, str]:
    known = {name for name, _ in variables(kind)}
    values = {name: value for name, value in environment.items() if name in known}
    for name in known:
        path = environment.get(f"{name}_FILE")
        if path is not None and name not in values:
            values[name] = _read_secret(f"{name}_FILE", Path(path))
    return values


def _read_secret(name: str, path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise WrongSettings(f"{name}: cannot read {path}: {error.strerror}") from None


def _sentences(error: ValidationError, names: Mapping[str, str]) -> Iterator[str]:
    for problem in error.errors():
        if not problem["loc"]:  # it concerns several, and names them
            yield str(problem["ctx"]["error"])
            continue
        name = PREFIX + "__".join(str(part).upper() for part in problem["loc"])
        wanted = names.get(name) or ", ".join(n for n in names if n.startswith(f"{name}__"))
        yield f"{name}: {problem['msg']}" + (f" ({wanted})" if wanted else "")
