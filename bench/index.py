"""Documents put into the query module's index by its own code, as if an element had told of them."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

import sqlalchemy as sa
import structlog
from pydantic import SecretStr

from artstore_kit.contracts.files import Change, ChangePage, FileAttributes
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from bench.bed import Bed
from bench.documents import Corpus
from query_module.domain.cursor import Cursor
from query_module.services.indexing import Indexing

ELEMENT_ID = "synthetic"
"""Not in the registry, so that the query module does not look for its change feed."""
GENERATION = "bench"
PAGE = 1000
STATEMENT_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Filled:
    """What was put in: the ids in order, and how many a second."""

    file_ids: Sequence[str]
    per_s: float


async def fill(bed: Bed, corpus: Corpus) -> Filled:
    """Put all documents in, then vacuum and analyse, as PostgreSQL itself does a minute later."""
    database = Database(_settings(bed))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        filled = await _apply(Indexing(database), corpus)
        async with database.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(sa.text("VACUUM ANALYZE files"))
    finally:
        await database.close()
    return filled


async def _apply(indexing: Indexing, corpus: Corpus) -> Filled:
    """Only the applying is timed, not the making of documents."""
    file_ids: list[str] = []
    spent_s = 0.0
    cursor: Cursor | None = await indexing.cursor(ELEMENT_ID)
    for page in _pages(corpus):
        assert cursor is not None, "somebody else moves the cursor"
        began = time.perf_counter()
        cursor = await indexing.apply(ELEMENT_ID, cursor, page)
        spent_s += time.perf_counter() - began
        file_ids.extend(str(change.file_id) for change in page.items)
    return Filled(file_ids, len(file_ids) / spent_s)


def _pages(corpus: Corpus) -> Iterator[ChangePage]:
    """The first page only makes the generation known, the last one ends the feed."""
    yield _page([], 0)
    last = 0
    for files in batched(corpus.documents(ELEMENT_ID), PAGE):
        last = files[-1].element.lsn
        yield _page(files, last)
    yield _page([], last)


def _page(files: Sequence[FileAttributes], next_after: int) -> ChangePage:
    items = [Change(lsn=file.element.lsn, file_id=file.file_id, attributes=file) for file in files]
    return ChangePage(generation=GENERATION, items=items, next_after=next_after)


def _settings(bed: Bed) -> PostgresSettings:
    """The query module's own database, as the launcher tells the module of it."""
    database = bed.fleet.service("query").database
    return PostgresSettings(
        url=bed.fleet.service("query").environment["ARTSTORE_POSTGRES__URL"],
        password=SecretStr(bed.fleet.secrets.value(f"database-{database}")),
        statement_timeout_s=STATEMENT_TIMEOUT_S,
    )
