"""Questions to the query module: filters as its parameters, and its pages as one stream of hits."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from artstore.connection import Connection, Request
from artstore_kit.contracts.files import SearchHit
from artstore_kit.contracts.paging import Page

PAGE_LIMIT = 100

Sort = Literal["relevance", "newest"]


@dataclass(frozen=True)
class Search:
    """What is looked for; conditions that are not given do not narrow. Every tag must be there. Sizes are bytes."""

    text: str = ""
    collection: str = ""
    tags: tuple[str, ...] = ()
    media_type: str = ""
    size_min: int | None = None
    size_max: int | None = None
    uploaded_after: datetime | None = None
    uploaded_before: datetime | None = None
    uploaded_by: str = ""
    sort: Sort | None = None
    """By relevance when words are looked for, otherwise newest first, unless it is said."""

    def parameters(self) -> list[tuple[str, str]]:
        """The query of `GET /search`; a moment without a zone is meant in the caller's own."""
        single = {
            "q": self.text,
            "collection": self.collection,
            "media_type": self.media_type,
            "size_min": "" if self.size_min is None else str(self.size_min),
            "size_max": "" if self.size_max is None else str(self.size_max),
            "uploaded_after": _moment(self.uploaded_after),
            "uploaded_before": _moment(self.uploaded_before),
            "uploaded_by": self.uploaded_by,
            "sort": self.sort or ("relevance" if self.text else "newest"),
        }
        return [(name, value) for name, value in single.items() if value] + [("tag", tag) for tag in self.tags]


async def hits(connection: Connection, search: Search, limit: int | None) -> AsyncIterator[SearchHit]:
    """At most `limit` hits, fetched by the page while they are asked for."""
    wanted = limit
    cursor: str | None = ""
    while cursor is not None and (wanted is None or wanted > 0):
        page_limit = PAGE_LIMIT if wanted is None else min(wanted, PAGE_LIMIT)
        query = [*search.parameters(), ("limit", str(page_limit))]
        query += [("cursor", cursor)] if cursor else []
        answer = await connection.ask(Request("GET", f"{connection.query}/search", query))
        page = answer.as_a(Page[SearchHit])
        for hit in page.items:
            yield hit
        wanted = None if wanted is None else wanted - len(page.items)
        cursor = page.next_cursor


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone().isoformat()
