"""The settings of the admin module."""

import base64
import binascii
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, Json, Secret, SecretStr, field_validator

from artstore_kit.contracts.identity import NewServiceAccount
from artstore_kit.settings import (
    AuditSettings,
    PostgresSettings,
    RedisSettings,
    ServerSettings,
    ServiceSettings,
    TokenSettings,
)

SEALING_KEY_BYTES = 32
SECRET_MIN_LENGTH = 32
"""Secrets are kept as plain SHA-256, which is right for random ones only."""


class KeysSettings(BaseModel):
    """How signing keys are kept, and how they take turns."""

    sealing_key: SecretStr = Field(
        description="seals the signing keys in the database: 32 random bytes as base64 (`openssl rand -base64 32`)"
    )
    previous_sealing_keys: SecretStr = Field(
        SecretStr(""), description="other sealing keys, parted by commas: what was sealed with one is sealed anew"
    )
    rotation_hours: float = Field(24.0, gt=0, description="a key signs for so long, then the next one does")
    published_ahead_s: float = Field(
        120.0, gt=0, description="a key is published so long before it signs, at least; services ask every 20 s"
    )

    @field_validator("sealing_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        _require_keys([value.get_secret_value()])
        return value

    @field_validator("previous_sealing_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        _require_keys(_listed(value))
        return value

    @property
    def sealing_key_bytes(self) -> bytes:
        """The key itself."""
        return _decoded(self.sealing_key.get_secret_value())

    @property
    def previous_sealing_keys_bytes(self) -> list[bytes]:
        """Those that only open."""
        return [_decoded(each) for each in _listed(self.previous_sealing_keys)]


class FleetAccount(NewServiceAccount):
    """A service account of the fleet, with the secret that the launcher has given to that service."""

    model_config = ConfigDict(extra="forbid")

    client_secret: Secret[Annotated[str, Field(pattern=rf"^[\x21-\x7e]{{{SECRET_MIN_LENGTH},128}}$")]]


class BootstrapSettings(BaseModel):
    """What the first start makes."""

    administrator_password: Secret[Annotated[str, Field(min_length=12, max_length=1024)]] | None = Field(
        None,
        description="first password of the first administrator, `admin`, who must change it; read when there is none",
    )
    accounts: Json[list[FleetAccount]] = Field(
        [],
        description="the fleet's own service accounts, a JSON list of {client_id, client_secret, roles, scopes, "
        "grants, description}; read at every start",
    )


class SessionSettings(BaseModel):
    """How long people stay logged in."""

    idle_hours: int = Field(12, ge=1, description="a person's session ends when it was not used for so long")
    longest_days: int = Field(7, ge=1, description="a person's session ends then, however much it is used")


class AccountsSettings(BaseModel):
    """How long the secrets of service accounts last."""

    secret_lifetime_days: int = Field(90, ge=1, le=3650, description="a secret of a service account ends after this")
    secret_warning_days: int = Field(7, ge=0, le=365, description="so long before its end there is a warning")

    @property
    def secret_lifetime(self) -> timedelta:
        """How long a secret is good."""
        return timedelta(days=self.secret_lifetime_days)

    @property
    def secret_warning(self) -> timedelta:
        """How long before its end it is warned of."""
        return timedelta(days=self.secret_warning_days)


class PublicSettings(BaseModel):
    """Where clients reach the fleet, told at `/.well-known/artstore`."""

    admin_url: str = Field(pattern="^https?://", description="address of the admin module for clients")
    ingester_url: str = Field(pattern="^https?://", description="address of the ingester module for clients")
    query_url: str = Field(pattern="^https?://", description="address of the query module for clients")


class LimitsSettings(BaseModel):
    """How often clients may ask for tokens, and fail to."""

    client_failures_limit: int = Field(
        10, ge=1, description="after so many failures from one address a client is locked out there"
    )
    address_failures_limit: int = Field(
        100, ge=1, description="after so many failures of any clients an address (IPv6: a /64 network) is locked out"
    )
    lockout_s: int = Field(300, ge=1, description="how long that lasts; failures that are older do not count")
    requests_per_minute_limit: int = Field(
        600, ge=1, description="what a client may send, unless its account has a limit of its own"
    )
    assertion_lifetime_s: int = Field(
        3600, ge=60, description="assertions (private_key_jwt) whose `exp` is later from now are refused"
    )


class AuditLogSettings(BaseModel):
    """How long the audit log is kept."""

    retention_days: int = Field(
        2557, ge=1, description="entries are let go, a month at a time, when all of the month are older; 2557: 7 years"
    )


class ApprovalsSettings(BaseModel):
    """Four eyes."""

    lifetime_s: int = Field(
        86_400,
        ge=60,
        description="an approval that was not given and used within this time after it was asked for ends",
    )


class Settings(ServiceSettings):
    """All settings of the admin module."""

    postgres: PostgresSettings
    redis: RedisSettings
    audit: AuditSettings
    keys: KeysSettings
    bootstrap: BootstrapSettings = BootstrapSettings()
    limits: LimitsSettings = LimitsSettings()
    sessions: SessionSettings = SessionSettings()
    accounts: AccountsSettings = AccountsSettings()
    approvals: ApprovalsSettings = ApprovalsSettings()
    public: PublicSettings
    audit_log: AuditLogSettings = AuditLogSettings()


def example() -> Settings:
    """Settings that are good enough to describe the API."""
    return Settings(
        server=ServerSettings(port=8000),
        tokens=TokenSettings(issuer="http://127.0.0.1:8000"),
        postgres=PostgresSettings(url="postgresql://artstore_admin@127.0.0.1/artstore_admin"),
        redis=RedisSettings(url="redis://127.0.0.1"),
        audit=AuditSettings(spool_dir=Path("audit")),
        keys=KeysSettings(sealing_key=SecretStr(base64.b64encode(bytes(SEALING_KEY_BYTES)).decode())),
        public=PublicSettings(
            admin_url="http://127.0.0.1:8000", ingester_url="http://127.0.0.1:8020", query_url="http://127.0.0.1:8030"
        ),
    )


def _require_keys(given: Iterable[str]) -> None:
    if any(len(_decoded(each)) != SEALING_KEY_BYTES for each in given):
        raise ValueError(f"must be {SEALING_KEY_BYTES} bytes as base64")


def _listed(value: SecretStr) -> list[str]:
    return [each.strip() for each in value.get_secret_value().split(",") if each.strip()]


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return b""
