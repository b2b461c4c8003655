"""What a storage element's stand-in remembers, and the faults that a test can switch on."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from artstore_kit.contracts.elements import Capacity, ElementReport, ElementView, Fullness
from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.contracts.files import Change, ChangePage, FileAttributes
from artstore_kit.contracts.modes import Mode

_ALL_METHODS = frozenset({"PUT", "GET", "HEAD", "PATCH", "DELETE"})
_ROOM = Capacity(total_bytes=10**12, used_bytes=0, free_bytes=10**12, fullness=Fullness.OK)


@dataclass
class Faults:
    """What goes wrong with requests about files; everything is off until a test switches it on."""

    methods: frozenset[str] = _ALL_METHODS
    """Requests with other methods are spared."""
    refuse: ArtStoreError | None = None
    """Answered before a byte of the body is read."""
    cut_after_bytes: int | None = None
    """The connection is cut when so many bytes of the body (PUT) or of the content (GET) have passed."""
    cut_before_answer: bool = False
    """The work is done, and the connection is cut instead of an answer."""
    answer_after_s: float = 0.0
    """The work is done, and the answer is late."""
    wrong_digest: bool = False
    """Something else than what was sent is stored."""
    gibberish: bool = False
    """The work is done, and the answer is no JSON."""

    def meet(self, method: str) -> "Faults":
        """The faults that a request with this method meets."""
        return self if method in self.methods else Faults()


@dataclass(frozen=True)
class Stored:
    """A file that the element keeps."""

    attributes: FileAttributes
    content: bytes


@dataclass(frozen=True)
class Seen:
    """A request that reached the element."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class ElementState:
    """An element in memory."""

    element_id: str = "edit-1"
    mode: Mode = Mode.EDIT
    priority: int = 100
    site: str = "default"
    url: str = ""
    capacity: Capacity = _ROOM
    writable: bool = True
    faults: Faults = field(default_factory=Faults)
    files: dict[UUID, Stored] = field(default_factory=dict)
    came_from: dict[UUID, str] = field(default_factory=dict)
    """The address from where each file was sent to whoever brought it, as they say."""
    uploads: set[UUID] = field(default_factory=set)
    sending: int = 0
    """Answers with content that are under way."""
    seen: list[Seen] = field(default_factory=list)
    generation: str = field(default_factory=lambda: uuid4().hex)
    lsn: int = 0
    _changes: dict[UUID, Change] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def store(self, attributes: FileAttributes, content: bytes) -> FileAttributes:
        """Keep a revision of a file, stamped, and tell the change feed."""
        stamped = attributes.model_copy(update={"element": attributes.element.model_copy(update={"lsn": self.lsn + 1})})
        self.files[stamped.file_id] = Stored(stamped, content)
        await self._tell(stamped.file_id, stamped)
        return stamped

    async def remove(self, file_id: UUID) -> None:
        """Forget a file, and leave a tombstone in the change feed."""
        del self.files[file_id]
        await self._tell(file_id, None)

    async def changes(self, after: int, limit: int, wait_s: float) -> ChangePage:
        """What has changed after an LSN; waits for the first change when there is none yet."""
        async with self._changed:
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait_for(lambda: self.lsn > after)
            except TimeoutError:
                pass
        items = sorted((c for c in self._changes.values() if c.lsn > after), key=lambda change: change.lsn)[:limit]
        return ChangePage(generation=self.generation, items=items, next_after=items[-1].lsn if items else after)

    def report(self) -> ElementReport:
        """The element's public state."""
        return ElementReport(
            mode=self.mode,
            epoch=1,
            capacity=self.capacity,
            files=len(self.files),
            last_lsn=self.lsn,
            writable=self.writable,
        )

    def view(self) -> ElementView:
        """The element as the registry shows it, just reported."""
        now = datetime.now(UTC)
        return ElementView(
            element_id=self.element_id,
            url=self.url,
            mode=self.mode,
            epoch=1,
            priority=self.priority,
            site=self.site,
            registered_at=now,
            reported_at=now,
            report=self.report(),
        )

    def requests(self, method: str) -> Iterator[Seen]:
        """The requests with this method that came so far."""
        return (seen for seen in self.seen if seen.method == method)

    async def _tell(self, file_id: UUID, attributes: FileAttributes | None) -> None:
        self.lsn += 1
        self._changes[file_id] = Change(lsn=self.lsn, file_id=file_id, attributes=attributes)
        async with self._changed:
            self._changed.notify_all()
