"""What is searched for, and in which order it is shown."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from query_module.domain.rights import Readable


class Order(StrEnum):
    """`relevance` ranks the newest matches by weight; `newest` shows all, by the moment of upload."""

    RELEVANCE = "relevance"
    NEWEST = "newest"


@dataclass(frozen=True)
class Criteria:
    """Conditions that all must hold. `collection` and `media_type` may be patterns with `*`; sizes are bytes."""

    readable: Readable | None = None
    tsquery: str | None = None
    collection: str | None = None
    tags: tuple[str, ...] = ()
    media_type: str | None = None
    size_min: int | None = None
    size_max: int | None = None
    uploaded_after: datetime | None = None
    uploaded_before: datetime | None = None
    uploaded_by: str | None = None
