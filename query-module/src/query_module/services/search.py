"""Searching and listing, within what the caller may read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from artstore_kit.principal import Principal
from query_module.adapters.finding import Found, find_newest, find_ranked
from query_module.adapters.reads import Reads
from query_module.domain.criteria import Criteria, Order
from query_module.domain.place import cursor_of, moment_at, ranked_at
from query_module.domain.rights import readable_by


@dataclass(frozen=True)
class FoundPage:
    """A page of an answer, and the cursor to the next."""

    items: Sequence[Found]
    next_cursor: str | None


class Search:
    """Answers from the index alone; `IndexUnavailable` when it cannot be read, never an empty page instead."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def page(
        self, who: Principal, criteria: Criteria, *, order: Order, limit: int, cursor: str | None
    ) -> FoundPage:
        """Up to `limit` files that meet the criteria and that `who` may read."""
        criteria = replace(criteria, readable=readable_by(who))
        if order is Order.RELEVANCE:
            ranked = ranked_at(cursor) if cursor else None
            found = await find_ranked(self._reads, criteria, ranked, limit + 1)
        else:
            newest = moment_at(cursor) if cursor else None
            found = await find_newest(self._reads, criteria, newest, limit + 1)
        more = len(found) > limit
        return FoundPage(found[:limit], cursor_of(found[limit - 1].place) if more else None)
