"""The main job on real input: upload, wait until findable, search, download, compare."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from artstore import ArtStore, ArtStoreError
from tools.fleet.demo.documents import Document

IN_FLIGHT = 16
SEARCHES = 60
FINDABLE_WITHIN_S = 30.0
POLL_S = 0.05

type Advance = Callable[[str], None]


@dataclass
class Phase:
    documents: int = 0
    size_bytes: int = 0
    seconds: float = 0


@dataclass
class Outcome:
    """`differences` is what went wrong, a sentence each; empty is success."""

    upload: Phase = field(default_factory=Phase)
    download: Phase = field(default_factory=Phase)
    findable_after_s: float | None = None
    searches_ms: list[float] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Stored:
    document: Document
    file_id: UUID
    sha256: str


class Journey:
    """`advance(phase)` is called after each document."""

    def __init__(self, store: ArtStore, documents: Sequence[Document], advance: Advance) -> None:
        self._store = store
        self._documents = documents
        self._advance = advance
        self._tag = f"demo-{uuid4().hex[:12]}"
        self._stored: list[Stored] = []
        self.outcome = Outcome()

    async def run(self) -> Outcome:
        await self._timed(self.outcome.upload, self._upload, self._documents)
        await self._wait_until_findable()
        await self._search()
        await self._timed(self.outcome.download, self._download, self._stored)
        return self.outcome

    async def _upload(self, document: Document) -> None:
        file = await self._store.put(
            document.path, name=document.name, tags=[self._tag], metadata={"path": _printable(document)}
        )
        sha256 = await asyncio.to_thread(_sha256, document)
        self._stored.append(Stored(document, file.file_id, sha256))
        if file.content.sha256 != sha256:
            self.outcome.differences.append(f"{document.path}: stored as {file.content.sha256}, but is {sha256}")
        self._count("upload", self.outcome.upload, document)

    async def _download(self, stored: Stored) -> None:
        hasher = hashlib.sha256()
        async with self._store.open(stored.file_id) as stream:
            async for chunk in stream:
                hasher.update(chunk)
        if hasher.hexdigest() != stored.sha256:
            self.outcome.differences.append(f"{stored.document.path}: came back as {hasher.hexdigest()}")
        self._count("download", self.outcome.download, stored.document)

    async def _wait_until_findable(self) -> None:
        """Every document of this run has its tag, and nothing else has it."""
        wanted = {stored.file_id for stored in self._stored}
        began = time.monotonic()
        while found := wanted - {hit.file.file_id async for hit in self._store.search(tags=[self._tag])}:
            if time.monotonic() - began > FINDABLE_WITHIN_S:
                self.outcome.differences.append(f"{len(found)} documents are not found after {FINDABLE_WITHIN_S:.0f} s")
                return
            await asyncio.sleep(POLL_S)
        self.outcome.findable_after_s = time.monotonic() - began

    async def _search(self) -> None:
        """By a word of the name, as a person would; one at a time, so that the time is an answer's, not a queue's."""
        for document in _spread([stored.document for stored in self._stored if stored.document.word]):
            began = time.monotonic()
            hits = self._store.search(str(document.word), tags=[self._tag], limit=100)
            names = [hit.file.content.name async for hit in hits]
            self.outcome.searches_ms.append((time.monotonic() - began) * 1000)
            if document.name not in names:
                self.outcome.differences.append(f"{document.path}: not found by the word {document.word}")

    async def _timed[T](self, phase: Phase, work: Callable[[T], Awaitable[None]], items: Sequence[T]) -> None:
        began = time.monotonic()
        waiting = iter(items)
        await asyncio.gather(*(self._work(work, waiting) for _ in range(IN_FLIGHT)))
        phase.seconds = time.monotonic() - began

    async def _work[T](self, work: Callable[[T], Awaitable[None]], waiting: Iterator[T]) -> None:
        for item in waiting:
            try:
                await work(item)
            except (ArtStoreError, OSError) as error:
                what = item.document.path if isinstance(item, Stored) else getattr(item, "path", item)
                self.outcome.differences.append(f"{what}: {error}")

    def _count(self, name: str, phase: Phase, document: Document) -> None:
        phase.documents += 1
        phase.size_bytes += document.size_bytes
        self._advance(name)


def _spread(documents: Sequence[Document]) -> Sequence[Document]:
    return documents[:: max(1, len(documents) // SEARCHES)][:SEARCHES]


def _sha256(document: Document) -> str:
    with document.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _printable(document: Document) -> str:
    return str(document.path).encode("utf-8", "backslashreplace").decode()[-1000:]
