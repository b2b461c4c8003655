"""Storage elements as the rest of the fleet sees them: registration, reports and the registry."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from artstore_kit.contracts.modes import Mode

ELEMENT_ID_PATTERN = r"^[a-z][a-z0-9-]{0,31}$"
REGISTRY_KEY_PREFIX = "{artstore}:element:"
REGISTRY_INDEX_KEY = "{artstore}:elements"
REGISTRY_TTL_S = 15
MAX_COUNT = 2**63 - 1
"""What PostgreSQL's bigint holds."""


class Fullness(StrEnum):
    """How near an element is to refusing new files."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    FULL = "full"


class Capacity(BaseModel):
    """Room on an element, in bytes of its file system or its configured limit."""

    model_config = ConfigDict(frozen=True)

    total_bytes: int = Field(ge=0)
    used_bytes: int = Field(ge=0)
    free_bytes: int = Field(ge=0)
    fullness: Fullness
    growth_bytes_per_s: float = Field(0.0, ge=0, description="how fast it fills")
    full_in_s: float | None = Field(None, ge=0, description="when it is full at that speed; null when it does not grow")


class ElementRegistration(BaseModel):
    """What an element says of itself when it starts."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(pattern=r"^https?://[\x21-\x7e]{1,500}$", description="where other services reach it")
    mode: Mode
    epoch: int = Field(ge=0, le=MAX_COUNT, description="the fencing number of its master")
    priority: int = Field(100, ge=0, le=1_000_000, description="lower is filled first")
    site: str = Field("default", pattern=r"^[a-z0-9-]{1,32}$")


class ElementReport(BaseModel):
    """The state of an element, told every few seconds."""

    mode: Mode
    epoch: int = Field(ge=0, le=MAX_COUNT)
    capacity: Capacity
    files: int | None = Field(None, ge=0, description="number of files; null while the index is not available")
    last_lsn: int = Field(ge=0)
    writable: bool = Field(description="false after a storage fault or when full")
    corrupt_contents: int = Field(0, ge=0, description="files whose content is known to be damaged or missing")
    state: str = Field("ok", pattern=r"^[a-z_]{1,64}$", description="ok, or the code of what is wrong")


class Role(StrEnum):
    """What a node is to its element. An element's only one is its master."""

    MASTER = "master"
    FOLLOWER = "follower"


class ElementState(BaseModel):
    """An element as one of its nodes sees it. What only the master knows, a follower leaves out."""

    role: Role
    node_id: str | None = Field(None, description="which of several nodes answers")
    master_url: str | None = Field(None, description="where writes are taken; null while nobody takes them")
    mode: Mode
    epoch: int = Field(ge=0, le=MAX_COUNT)
    writable: bool = Field(description="false at a follower, after a storage fault or when full")
    state: str = Field("ok", pattern=r"^[a-z_]{1,64}$", description="ok, or the code of what is wrong")
    capacity: Capacity | None = Field(None, description="of the master")
    files: int | None = Field(None, ge=0, description="of the master, while the index is available")
    last_lsn: int | None = Field(None, ge=0, description="of the master")
    corrupt_contents: int | None = Field(None, ge=0, description="of the master: files known to be damaged or missing")


class ElementView(BaseModel):
    """An element in the registry: a hint, never a judge."""

    element_id: str
    url: str
    mode: Mode
    epoch: int
    priority: int
    site: str
    registered_at: AwareDatetime
    reported_at: AwareDatetime | None
    report: ElementReport | None


class ElementList(BaseModel):
    """All elements of the fleet."""

    items: list[ElementView]
