"""The audit log as files: CSV and JSON for people, raw leaves for those who check; all streamed."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from admin_module.api.audit_filters import FiltersOf
from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.audit import AuditEntry, AuditRecord
from artstore_kit.contracts.identity import Scope

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[needs(Scope.AUDIT_READ)])
Given = Annotated[Services, Depends(services_of(Services))]

_FIELDS = [name for name in AuditEntry.model_fields if name != "detail"]
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet takes a cell that begins so for a formula, and would carry it out."""


class Format(StrEnum):
    """What an export is written in."""

    CSV = "csv"
    JSON = "json"


_MEDIA_TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.JSON: "application/json"}


@router.get("/export", response_class=StreamingResponse)
async def export(
    services: Given, filters: FiltersOf, wanted: Annotated[Format, Query(alias="format")] = Format.JSON
) -> StreamingResponse:
    """Every entry that matches, the oldest deed first. A connection that is cut means that this was not all."""
    parts = services.audit_search.all(filters)
    lines = _csv(parts) if wanted is Format.CSV else _json(parts)
    headers = {"Content-Disposition": f'attachment; filename="audit.{wanted.value}"'}
    return StreamingResponse(await _begun(lines), media_type=_MEDIA_TYPES[wanted], headers=headers)


@router.get("/leaves", response_class=StreamingResponse)
async def leaves(
    services: Given,
    start: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Annotated[int | None, Query(ge=1, lt=2**63, description="all to the end, when none is given")] = None,
) -> StreamingResponse:
    """The leaves of the tree from `start` on, one a line, as they were hashed; `{"hash", "index"}` where it is gone."""
    lines = services.audit_search.leaves(start, limit)
    return StreamingResponse(await _begun(lines), media_type="application/x-ndjson")


async def _begun(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same, its first part read already: what fails there can still be answered as an error."""
    first = await anext(parts, b"")

    async def all_parts() -> AsyncIterator[bytes]:
        yield first
        async for part in parts:
            yield part

    return all_parts()


async def _json(parts: AsyncIterator[Sequence[AuditRecord]]) -> AsyncIterator[bytes]:
    before = b"[\n"
    async for records in parts:
        yield before + b",\n".join(record.model_dump_json().encode() for record in records)
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


async def _csv(parts: AsyncIterator[Sequence[AuditRecord]]) -> AsyncIterator[bytes]:
    yield _row(["index", "at", "recorded_at", "delivered_by", *_FIELDS, "detail"])
    async for records in parts:
        yield b"".join(_row(_cells(record)) for record in records)


def _cells(record: AuditRecord) -> list[str]:
    entry = record.entry
    place = [str(record.index), entry.at.isoformat(), record.recorded_at.isoformat(), record.delivered_by]
    return [*place, *(str(getattr(entry, name)) for name in _FIELDS), json.dumps(entry.detail, ensure_ascii=False)]


def _row(cells: Sequence[str]) -> bytes:
    """A cell that might be a formula begins with an apostrophe, which spreadsheets take for "this is text"."""
    text = io.StringIO()
    safe = [f"'{cell}" if cell.startswith(_FORMULAS) else cell for cell in cells]
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(safe)
    return text.getvalue().encode()
