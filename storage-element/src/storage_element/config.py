"""The settings of a storage element."""

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from artstore_kit.contracts.elements import ELEMENT_ID_PATTERN
from artstore_kit.contracts.modes import Mode
from artstore_kit.settings import (
    AuditSettings,
    MemberSettings,
    PostgresSettings,
    RedisSettings,
    VariableSettings,
)


class ElementSettings(BaseModel):
    """What this element is."""

    id: str = Field(pattern=ELEMENT_ID_PATTERN, description="name of the element, such as edit-1")
    root: Path | None = Field(None, description="directory that holds its files; made at the first start")
    mode: Mode = Field(Mode.EDIT, description="edit, rw, ro or ar; read at the first start, then element.json rules")
    url: str = Field(pattern="^https?://", description="where other services reach this element")
    priority: int = Field(100, ge=0, description="elements with a lower number are filled first")
    site: str = Field("default", pattern="^[a-z0-9-]{1,32}$", description="site of this element, for placement")


class S3Settings(BaseModel):
    """The bucket that holds the element's files, instead of a directory."""

    bucket: str = Field("", description="name of the bucket; chosen instead of a directory when set")
    endpoint_url: str | None = Field(None, pattern="^https?://", description="address of the store; AWS when unset")
    region: str = Field("us-east-1", description="region that requests are signed for")
    prefix: str = Field("", description="what all keys of the element begin with, such as `artstore/edit-1`")
    access_key_id: str | None = Field(None, description="name of the key that requests are signed with")
    secret_access_key: SecretStr | None = Field(None, description="that key")
    addressing: Literal["path", "virtual"] = Field("path", description="path, or virtual: the bucket as a host name")
    capacity_bytes: int | None = Field(
        None, ge=2**20, description="how much the element may keep; required: no bucket has an end"
    )
    part_bytes: int = Field(
        8 * 2**20, ge=5 * 2**20, le=2**30, description="size of a part of larger content; a file has at most 10,000"
    )
    connect_timeout_s: float = Field(3.0, gt=0, description="a connection to the store is given up after this")
    read_timeout_s: float = Field(
        10.0, gt=0, description="so is a request when nothing of its answer comes for so long"
    )
    attempts_count: int = Field(6, ge=1, description="how often a request is made that a busy store turns away")
    give_up_s: float = Field(30.0, gt=0, description="with all its attempts a request is given up after this")


class WhenFull(StrEnum):
    """What a full element of mode rw does."""

    STAY = "stay"
    RO = "ro"


class CapacitySettings(BaseModel):
    """When the element is full."""

    reserve_bytes: int = Field(512 * 2**20, ge=0, description="bytes kept free for the journal and for replay")
    warning_within_s: float = Field(604_800.0, gt=0, description="a warning when what comes in fills it within this")
    critical_within_s: float = Field(86_400.0, gt=0, description="critical when what comes in fills it within this")
    when_full: WhenFull = Field(WhenFull.STAY, description="ro: a full element of mode rw turns ro, for good")


class ContentSettings(BaseModel):
    """Stored content."""

    replaced_grace_s: float = Field(300.0, ge=0, description="replaced content can be read to its end for so long")


class UploadSettings(BaseModel):
    """Uploads that are sent in parts."""

    expiry_s: float = Field(86_400.0, gt=0, description="an upload is forgotten so long after its last part")
    open_count: int = Field(10_000, ge=0, description="uploads that may be open at a time")
    open_bytes: int = Field(
        2**40, ge=0, description="their announced sizes together; of one without, what has come of it and is coming"
    )
    reap_interval_s: float = Field(60.0, gt=0, description="how often forgotten uploads are looked for")


class JournalSettings(BaseModel):
    """The write-ahead log."""

    segment_bytes: int = Field(64 * 2**20, ge=2**20, description="size of a segment, allocated ahead")
    inline_bytes: int = Field(64 * 2**10, ge=0, le=2**20, description="content up to this size rides in the journal")
    checkpoint_bytes: int = Field(64 * 2**20, ge=2**20, description="journal written since the last checkpoint")
    checkpoint_interval_s: float = Field(30.0, gt=0, description="a checkpoint at least this often")


class ScrubSettings(BaseModel):
    """Reading every stored content again against its sha-256."""

    enabled: bool = Field(True, description="whether passes begin by themselves; one can always be asked for")
    mib_per_s: float = Field(20.0, gt=0, description="MiB that are read in a second, at most")
    interval_days: float = Field(30.0, gt=0, description="time from the beginning of one pass to that of the next")


class ReconcileSettings(BaseModel):
    """Comparing attributes, content and index with each other."""

    enabled: bool = Field(True, description="at start and then on a timer; it can always be asked for")
    files_per_s: float = Field(2000.0, gt=0, description="documents that are looked at in a second, at most")
    interval_days: float = Field(1.0, gt=0, description="time from the end of one to the beginning of the next")


class ExpirySettings(BaseModel):
    """Removing temporary files whose time is over, on elements of mode edit."""

    enabled: bool = Field(True, description="whether anything is removed for being old")
    interval_s: float = Field(60.0, gt=0, description="time between two rounds")
    files_per_s: float = Field(100.0, gt=0, description="files that are removed in a second, at most")
    clock_tolerance_s: float = Field(300.0, gt=0, description="by how much the clock may differ from the uptime")
    longest_stop_s: float = Field(86400.0, ge=0, description="how long a machine may have been off unexplained")


class ReportSettings(BaseModel):
    """What the admin module is told."""

    interval_s: float = Field(5.0, gt=0, description="time between two reports")


class NodeSettings(BaseModel):
    """One of several nodes on the same element; without an id the element has this process alone."""

    id: str = Field("", pattern="^[a-z0-9-]{0,32}$", description="name of this node; unset: the element's only one")
    lease_s: float = Field(3.0, ge=0.3, description="a master that is silent for so long may be replaced")
    redis_url: str = Field(
        "",
        pattern="^$|^(redis|rediss|sentinel|cluster)://",
        description="makes an election quicker; redis://, rediss:// or sentinel://host:port,host:port/master",
    )
    redis_password: SecretStr | None = Field(None, description="password of that server")

    @property
    def redis(self) -> RedisSettings | None:
        """Where the lease is."""
        return RedisSettings(url=self.redis_url, password=self.redis_password) if self.redis_url else None


class Settings(MemberSettings):
    """All settings of a storage element."""

    postgres: PostgresSettings
    element: ElementSettings
    s3: S3Settings = S3Settings()
    capacity: CapacitySettings = CapacitySettings()
    content: ContentSettings = ContentSettings()
    uploads: UploadSettings = UploadSettings()
    journal: JournalSettings = JournalSettings()
    report: ReportSettings = ReportSettings()
    node: NodeSettings = NodeSettings()
    scrub: ScrubSettings = ScrubSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    expiry: ExpirySettings = ExpirySettings()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.element.root is None) != bool(self.s3.bucket):
            raise ValueError("give ARTSTORE_ELEMENT__ROOT, a directory, or ARTSTORE_S3__BUCKET, and not both")
        if self.s3.bucket:
            needed = ("access_key_id", "secret_access_key", "capacity_bytes")
            if missing := [f"ARTSTORE_S3__{each.upper()}" for each in needed if getattr(self.s3, each) is None]:
                raise ValueError(f"an element in a bucket needs {', '.join(missing)}")
        return self


class CommandSettings(VariableSettings):
    """What `artstore-element` takes from the service's variables when it writes; the rest is not its concern."""

    audit: AuditSettings
    capacity: CapacitySettings = CapacitySettings()
    journal: JournalSettings = JournalSettings()
    scrub: ScrubSettings = ScrubSettings()


class IndexSettings(CommandSettings):
    """Likewise, with the service's database."""

    postgres: PostgresSettings
