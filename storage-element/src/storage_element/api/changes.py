"""The change feed."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response

from artstore_kit.contracts.files import ChangePage
from artstore_kit.contracts.identity import Action
from storage_element.adapters.index import Entry
from storage_element.api.files import Reading, Wired

router = APIRouter(prefix="/changes", tags=["changes"])


@router.get("", response_model=ChangePage)
async def changes(
    who: Reading,
    services: Wired,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    wait_s: Annotated[float, Query(ge=0, le=60)] = 0,
) -> Response:
    """What changed after an LSN, in LSN order; waits up to `wait_s` seconds when there is nothing.

    It shows every collection: a grant on `*` is needed.
    """
    who.require_grant(Action.READ, "*")
    generation, entries = await services.feed.page(after, limit, wait_s)
    return Response(_page(generation, entries, after), media_type="application/json")


def _page(generation: str, entries: Sequence[Entry], after: int) -> str:
    """A `ChangePage`, made of the attributes' own JSON."""
    items = ",".join(
        f'{{"lsn":{entry.lsn},"file_id":"{entry.file_id}","attributes":{entry.attributes or "null"}}}'
        for entry in entries
    )
    next_after = entries[-1].lsn if entries else after
    return f'{{"generation":"{generation}","items":[{items}],"next_after":{next_after}}}'
