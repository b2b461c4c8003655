"""What the audit log keeps: deeds of this service, and entries as leaves of the tree."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from artstore_kit.contracts.audit import ADMIN_SERVICE, AuditEntry, AuditOutcome, in_short, new_entry_id
from artstore_kit.contracts.ids import UUID_VERSION, moment_of
from artstore_kit.principal import Principal

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""Nothing that tells entries is older."""
LEAD = timedelta(days=1)
"""So far a service's clock may be ahead of ours."""
_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Deed:
    """A change that this service makes, to be recorded in the transaction that makes it."""

    action: str
    resource: str
    outcome: AuditOutcome = AuditOutcome.DONE
    code: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""
    client_id: str = ""
    acting_for: str = ""

    @classmethod
    def by(cls, who: Principal, action: str, resource: str, **detail: Any) -> Self:
        """What `who` does."""
        return cls(
            action, resource, detail=detail, actor=who.subject, client_id=who.client_id, acting_for=who.acting_for
        )

    @classmethod
    def of_service(cls, action: str, resource: str, **detail: Any) -> Self:
        """What this service does by itself."""
        return cls(action, resource, detail=detail, actor=ADMIN_SERVICE)

    def entry(self, now: datetime, request_id: str, address: str) -> AuditEntry:
        """The entry that tells of it."""
        return AuditEntry(
            entry_id=new_entry_id(_ms(now)),
            service=ADMIN_SERVICE,
            actor=self.actor,
            client_id=self.client_id,
            acting_for=self.acting_for,
            action=self.action,
            resource=self.resource,
            outcome=self.outcome,
            code=self.code,
            request_id=request_id,
            address=address,
            detail=in_short(self.detail),
        )


def leaf_of(index: int, recorded_at: datetime, entry: AuditEntry) -> bytes:
    """The bytes that are hashed, and kept as they were hashed: UTF-8 JSON, keys in order, no blanks."""
    return leaf_from(index, moment_text(recorded_at), entry_text(entry))


def entry_text(entry: AuditEntry) -> str:
    """The entry as its leaf holds it: the larger part of the work, and to be done before the log is locked."""
    told = {name: getattr(entry, name) for name in _NAMES}
    told["entry_id"] = str(told["entry_id"])
    return _TELL(told)


def moment_text(recorded_at: datetime) -> str:
    """The moment as leaves hold it."""
    return recorded_at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def leaf_from(index: int, moment: str, entry: str, delivered_by: str = "") -> bytes:
    """The leaf of an entry that `entry_text` has written."""
    teller = f'"delivered_by":{_TELL(delivered_by)},' if delivered_by else ""
    return f'{{{teller}"entry":{entry},"index":{index},"recorded_at":"{moment}"}}'.encode()


def tells(leaf: bytes, entry: str) -> bool:
    """Whether a leaf tells what `entry_text` has written, wherever it stands and whoever delivered it."""
    _, _, told = leaf.partition(b'"entry":')  # no name before it holds a quotation mark
    return told.startswith(f'{entry},"index":'.encode())


_NAMES = sorted(AuditEntry.model_fields)
_TELL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def is_credible(entry_id: UUID, latest: datetime) -> bool:
    """Whether the id is a UUIDv7 whose moment lies between `EARLIEST` and `latest`."""
    return entry_id.version == UUID_VERSION and _EARLIEST_MS <= entry_id.int >> 80 <= _ms(latest)


def first_id_of(moment: datetime) -> UUID:
    """No entry of this moment or later has an id below it, and each of an earlier millisecond has."""
    return UUID(int=max(_ms(moment), 0) << 80)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


_EARLIEST_MS = _ms(EARLIEST)


@dataclass(frozen=True, order=True)
class Month:
    """The entries of one month lie together, so that all of them can be let go at once."""

    year: int
    month: int

    @classmethod
    def of(cls, entry_id: UUID) -> Self:
        """The month of the entry's moment."""
        moment = moment_of(entry_id)
        return cls(moment.year, moment.month)

    @classmethod
    def all_of(cls, entry_ids: Iterable[UUID]) -> set[Self]:
        """Their months; a day is never in two."""
        return {cls.of(each) for each in {(entry_id.int >> 80) // _DAY_MS: entry_id for entry_id in entry_ids}.values()}

    @property
    def next(self) -> "Month":
        """The month that follows."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def first_id(self) -> UUID:
        """No entry of this month has an id below it, and each of a month before has."""
        return first_id_of(self.begins_at)
