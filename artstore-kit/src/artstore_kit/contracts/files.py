"""What a stored document is: its attributes (attr.json version 1, DESIGN section 4) and how they may change."""

import json
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import quote, unquote
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

ATTRIBUTES_HEADER = "X-ArtStore-Attributes"
COLLECTION_HEADER = "X-ArtStore-Collection"
"""Beside content, the collection that the file is in at this moment: whoever fetches it for another asks for their
grant on it before they pass on a byte."""
ATTRIBUTES_LIMIT_BYTES = 4096
NAME_LIMIT_BYTES = 1024
DEEPEST_METADATA = 16
"""Far below where JSON parsers give up: every reader wraps the attributes in some levels more."""
SHA256_PATTERN = r"^[0-9a-f]{64}$"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNPAIRED = re.compile(r"[\ud800-\udfff]")
_COLLECTION = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*){0,7}")


def _without_controls(text: str) -> str:
    if _CONTROL.search(text) or _UNPAIRED.search(text):
        raise ValueError("control characters and unpaired surrogates are not allowed")
    return text


def _file_name(text: str) -> str:
    if not text.strip():
        raise ValueError("a name cannot be blank")
    if "/" in text or "\\" in text or text in {".", ".."}:
        raise ValueError("a name cannot hold path separators; use the collection to group files")
    if len(text.encode()) > NAME_LIMIT_BYTES:
        raise ValueError(f"a name is at most {NAME_LIMIT_BYTES} bytes of UTF-8")
    return text


def _multiline(text: str) -> str:
    _without_controls(text.replace("\n", "").replace("\t", "").replace("\r", ""))
    return text


def _searchable(metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """PostgreSQL's text cannot hold NUL, so what is to be found may not either; nor may it be too deep to be read."""
    if deeper_than(DEEPEST_METADATA, metadata):
        raise ValueError(f"metadata is at most {DEEPEST_METADATA} levels deep")
    if "\\u0000" in json.dumps(metadata):
        raise ValueError("NUL characters are not allowed")
    return metadata


def deeper_than(levels: int, value: JsonValue) -> bool:
    """Whether lists and objects are nested deeper than this."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(deeper_than(levels - 1, each) for each in inner)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the moment lies outside the years 1 to 9999") from None


def _collection(text: str) -> str:
    if not _COLLECTION.fullmatch(text):
        raise ValueError("a collection is words of letters, digits, '_', '-', '.', parted by '/'")
    return text


def collection_field(collection: str) -> str:
    """The value of `X-ArtStore-Collection`: percent-encoded UTF-8, for collections may have letters of any script."""
    return quote(collection)


def collection_named(field: str) -> str:
    """The collection that such a value names."""
    return unquote(field)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
PlainText = Annotated[str, AfterValidator(_without_controls)]
FileName = Annotated[
    str, Field(min_length=1, max_length=1000), AfterValidator(_without_controls), AfterValidator(_file_name)
]
CollectionName = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_collection)]
MediaType = Annotated[str, Field(max_length=127, pattern=r"^[A-Za-z0-9_!#$&^.+-]+/[A-Za-z0-9_!#$&^.+-]+$")]
Tag = Annotated[PlainText, Field(min_length=1, max_length=64)]
Description = Annotated[str, Field(max_length=3000), AfterValidator(_multiline)]
MetadataKey = Annotated[PlainText, Field(min_length=1, max_length=64)]
Metadata = Annotated[dict[MetadataKey, JsonValue], Field(max_length=64), AfterValidator(_searchable)]


class RetentionKind(StrEnum):
    """`temporary` files live on edit elements; `permanent` ones on archives."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"


class Encoding(StrEnum):
    """How content lies on the disk; it is always served as it was given."""

    IDENTITY = "identity"
    GZIP = "gzip"
    BROTLI = "br"


class Retention(BaseModel):
    """How long a file is kept."""

    model_config = ConfigDict(extra="allow")

    policy: Annotated[PlainText, Field(min_length=1, max_length=64)] = "working"
    kind: RetentionKind = RetentionKind.TEMPORARY
    expires_at: Moment | None = Field(None, description="a temporary file may be removed after this")
    retain_until: Moment | None = Field(None, description="the file cannot be removed before this")


class Content(BaseModel):
    """A version of the bytes. `size` and `sha256` are of what was given, `stored_*` of what lies on the disk."""

    model_config = ConfigDict(extra="allow")

    name: FileName
    media_type: MediaType = "application/octet-stream"
    size: int = Field(ge=0)
    sha256: str = Field(pattern=SHA256_PATTERN)
    version: int = Field(1, ge=1)
    encoding: Encoding = Encoding.IDENTITY
    stored_size: int = Field(ge=0)
    stored_sha256: str = Field(pattern=SHA256_PATTERN)


class ElementStamp(BaseModel):
    """Where and at which position of the journal this revision was written."""

    model_config = ConfigDict(extra="allow")

    id: str
    epoch: int
    lsn: int


HOLDS_LIMIT = 16
HoldReason = Annotated[PlainText, Field(max_length=500)]


class Hold(BaseModel):
    """A legal hold: while there is one, the file can be neither removed nor altered."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[PlainText, Field(min_length=1, max_length=64)]
    reason: HoldReason = ""


def _nothing_unknown[M: BaseModel](given: M) -> M:
    """Fields of a later version survive a rewrite, but no sender may add them."""
    if given.model_extra:
        raise ValueError(f"unknown fields: {', '.join(sorted(given.model_extra))}")
    return given


def _addressable(hold_id: str) -> str:
    """A hold is released at an address that ends with its id."""
    if "/" in hold_id or hold_id in {".", ".."}:
        raise ValueError("the id of a hold cannot hold '/' and cannot be '.' or '..'")
    return hold_id


def _addressable_hold(hold: Hold) -> Hold:
    _addressable(hold.id)
    return hold


GivenRetention = Annotated[Retention, AfterValidator(_nothing_unknown)]
GivenHold = Annotated[Hold, AfterValidator(_nothing_unknown), AfterValidator(_addressable_hold)]
HoldId = Annotated[PlainText, Field(min_length=1, max_length=64), AfterValidator(_addressable)]


class UploadAttributes(BaseModel):
    """What the sender says of a new file.

    The defaults are made, not copied: copying them took two thirds of the time that a validation takes.
    """

    model_config = ConfigDict(extra="forbid")

    name: FileName
    media_type: MediaType = "application/octet-stream"
    collection: CollectionName = "default"
    retention: GivenRetention = Field(default_factory=Retention)
    holds: list[GivenHold] = Field(default_factory=list, max_length=HOLDS_LIMIT)
    description: Description = ""
    tags: list[Tag] = Field(default_factory=list, max_length=64)
    metadata: Metadata = Field(default_factory=dict)


class AttributeChanges(BaseModel):
    """Attributes to be set; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    name: FileName | None = None
    media_type: MediaType | None = None
    collection: CollectionName | None = None
    retention: GivenRetention | None = None
    description: Description | None = None
    tags: list[Tag] | None = Field(None, max_length=64)
    metadata: Metadata | None = None


class HoldPlacement(BaseModel):
    """A legal hold to be placed on a file."""

    model_config = ConfigDict(extra="forbid")

    reason: HoldReason = Field("", description="such as the case; it stands in the file's attributes")


class FileAttributes(BaseModel):
    """attr.json version 1: everything that is known of a file besides its bytes. Unknown fields are kept."""

    model_config = ConfigDict(extra="allow")

    schema_version: Literal[1] = Field(1, alias="schema", serialization_alias="schema")
    file_id: UUID
    revision: int = Field(1, ge=1)
    content: Content
    uploaded_by: str
    uploaded_at: Moment
    collection: CollectionName = "default"
    retention: Retention = Retention()
    holds: list[Hold] = []
    description: Description = ""
    tags: list[Tag] = []
    metadata: dict[str, JsonValue] = {}
    element: ElementStamp
    archive: dict[str, JsonValue] | None = None

    def to_json(self) -> bytes:
        """Canonical bytes: fields in the order of the schema, unknown ones after them, no nulls, UTF-8."""
        return self.__pydantic_serializer__.to_json(self, by_alias=True, exclude_none=True)


class Change(BaseModel):
    """A file as it is after its newest change, or a tombstone (`attributes` is null)."""

    lsn: int
    file_id: UUID
    attributes: FileAttributes | None = None


class ChangePage(BaseModel):
    """Part of an element's change feed, in LSN order; pass `next_after` to read on."""

    generation: str = Field(description="changes when history was lost: read again from 0")
    items: list[Change]
    next_after: int


class SearchHit(BaseModel):
    """A found file, with the weight of the match when the search was by relevance."""

    file: FileAttributes
    score: float | None = None
