"""Compares the attributes that were read with the rows of the index, range of ids by range of ids."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

from artstore_kit.contracts.errors import DatabaseUnavailable, IndexUnavailable
from artstore_kit.contracts.files import FileAttributes
from storage_element.adapters.index import Entry, Index
from storage_element.domain import layout
from storage_element.domain.judgement import Finding, Kind
from storage_element.domain.reconciliation import Done, ReconcileReport
from storage_element.domain.storage import Superblocks
from storage_element.services.contain import Containment

type Seen = dict[UUID, tuple[int, bytes] | None]
"""LSN and bytes of each attr.json; None where they cannot be read."""

PAGE_ROWS = 1000
FOLLOWS_WITHIN_S, LOOK_EVERY_S = 10.0, 0.05
_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


class IndexComparer:
    """One comparison's way through the index, beside the walk through the files."""

    def __init__(self, index: Index, superblocks: Superblocks, containment: Containment) -> None:
        self._index = index
        self._superblocks = superblocks
        self._containment = containment
        self._next: UUID | None = _FIRST

    def begin(self) -> None:
        """From the first id on."""
        self._next = _FIRST

    def skip(self) -> None:
        """Nobody knows what lies here: rows are not judged until the next directory that can be read."""
        self._next = None

    async def compare(self, path: str, seen: Seen, report: ReconcileReport) -> set[UUID]:
        """Rows from where the last directory ended to the end of this one; what is doubtful."""
        minute = layout.minute_of(path)
        if minute is None:
            return set()
        first = self._next or layout.first_id_of(minute)
        self._next = layout.first_id_of(minute + 1)
        return await self._compare(first, UUID(int=self._next.int - 1), seen, report)

    async def compare_rest(self, report: ReconcileReport) -> set[UUID]:
        """Rows behind the last directory."""
        return await self._compare(self._next, _LAST, {}, report) if self._next else set()

    async def _compare(self, first: UUID, last: UUID, seen: Seen, report: ReconcileReport) -> set[UUID]:
        """The attributes were read before, and what is applied is asked before the rows: a row may only be newer."""
        try:
            applied = await self._applied()
            unseen, doubtful = dict(seen), set()
            async for row in self._rows(first, last):
                if self._is_doubtful(row, unseen.pop(row.file_id, ()), applied, report):
                    doubtful.add(row.file_id)
        except (DatabaseUnavailable, IndexUnavailable):
            report.index_compared = False
            return set()
        for file_id, read in unseen.items():
            if read and read[0] <= applied:
                report.add(_of(Kind.ROW_MISSING, file_id, "the index has no row of it"), Done.REINDEXED)
        return doubtful

    def _is_doubtful(
        self, row: Entry, read: tuple[int, bytes] | tuple[()] | None, applied: int, report: ReconcileReport
    ) -> bool:
        if read is None:
            return False
        if not read:
            return row.attributes is not None
        lsn, attributes = read
        if row.lsn > lsn:
            return True
        if lsn <= applied and (row.lsn < lsn or (row.attributes or "").encode() != attributes):
            detail = f"the index shows LSN {row.lsn}, the file has {lsn}"
            report.add(_of(Kind.ROW_STALE, row.file_id, detail), Done.REINDEXED)
        return False

    async def settle(
        self,
        doubtful: set[UUID],
        attributes_of: Callable[[UUID], Awaitable[bytes | None]],
        report: ReconcileReport,
    ) -> None:
        """The second look, at files that nobody changes, behind a checkpoint: all that was committed is in place."""
        if not doubtful:
            return
        try:
            if not await self._follows(self._superblocks.current.checkpoint_lsn):
                report.busy += len(doubtful)
                return
            for file_id in sorted(doubtful):
                for row in await self._index.between(file_id, file_id, 1):
                    await self._judge(row, await attributes_of(file_id), report)
        except (DatabaseUnavailable, IndexUnavailable):
            report.index_compared = False

    async def _judge(self, row: Entry, attributes: bytes | None, report: ReconcileReport) -> None:
        if attributes is None:
            if row.attributes is not None:
                await self._ghost(row, row.attributes, report)
            return
        lsn = _lsn_in(attributes)
        if lsn is not None and row.lsn > lsn:
            await self._rolled_back(row, lsn, report)

    async def _ghost(self, row: Entry, attributes: str, report: ReconcileReport) -> None:
        """The row may be the last that is left of a file: what it says is kept before the index forgets it."""
        finding = _of(Kind.ROW_GHOST, row.file_id, f"the index shows it at LSN {row.lsn}, and there is no such file")
        await self._containment.keep(finding, file_id=row.file_id, attributes=attributes, lsn=row.lsn)
        report.add(finding, Done.REINDEXED)

    async def _rolled_back(self, row: Entry, lsn: int, report: ReconcileReport) -> None:
        shown = "shows" if row.attributes is not None else "shows its removal at"
        finding = _of(Kind.ATTRIBUTES_ROLLED_BACK, row.file_id, f"has LSN {lsn}, and the index {shown} {row.lsn}")
        await self._containment.attributes(row.file_id, finding, row.attributes, row.lsn)
        report.add(finding, Done.MARKED)

    async def _applied(self) -> int:
        applied = await self._index.applied_lsn()
        if applied is None:
            raise IndexUnavailable("The index is being built.")
        return applied

    async def _follows(self, lsn: int) -> bool:
        """Whether the index has come to `lsn`, soon."""
        for _ in range(int(FOLLOWS_WITHIN_S / LOOK_EVERY_S)):
            if (await self._index.applied_lsn() or 0) >= lsn:
                return True
            await asyncio.sleep(LOOK_EVERY_S)
        return False

    async def _rows(self, first: UUID, last: UUID) -> AsyncIterator[Entry]:
        while first <= last:
            page = await self._index.between(first, last, PAGE_ROWS)
            for row in page:
                yield row
            if len(page) < PAGE_ROWS or page[-1].file_id == _LAST:
                return
            first = UUID(int=page[-1].file_id.int + 1)


def _of(kind: Kind, file_id: UUID, detail: str) -> Finding:
    return Finding(kind, layout.attributes_path(file_id), detail)


def _lsn_in(attributes: bytes) -> int | None:
    try:
        return FileAttributes.model_validate_json(attributes).element.lsn
    except ValueError:
        return None
