"""`artstore put`: files and folders into the fleet, several at a time; one that fails does not stop the others."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from artstore import ArtStore, FileAttributes, Retention
from artstore.cli.credentials import connected
from artstore.cli.exits import Exit, advice, code_of, hopeless, message, run
from artstore.cli.output import complain, document_of, human, say_json, show_table
from artstore.cli.progress import Bar, bar
from artstore.cli.walk import Item, items_of
from artstore.upload import policy
from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.contracts.files import RetentionKind

# The fleet is gone: thousands of files need not each find that out.
GIVEN_UP_AFTER_UNREACHABLE = 10


@dataclass(frozen=True)
class Wish:
    """What is said of every file."""

    collection: str
    tags: list[str]
    description: str
    retention: Retention


@dataclass
class Upload:
    """One run of `put`, and what has become of its files."""

    store: ArtStore
    wish: Wish
    bar: Bar
    as_json: bool
    waiting: Iterator[Item]
    stored: int = 0
    stored_bytes: int = 0
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    unreachable_in_a_row: int = 0
    stopped_by: Exception | None = None

    async def work(self) -> None:
        """Send what waits, one file after the other; several of these run side by side."""
        for item in self.waiting:
            if self.stopped_by is not None:
                return
            try:
                file = await self._send(item)
            except (ArtStoreError, OSError) as error:
                self.fail(str(item.path), error)
            else:
                self._keep(item, file)

    async def _send(self, item: Item) -> FileAttributes:
        sent = 0

        def on_progress(sent_bytes: int, _: int | None) -> None:
            nonlocal sent
            self.bar.advance(sent_bytes - sent)
            sent = sent_bytes

        metadata: dict[str, JsonValue] = {"path": item.inside} if item.inside else {}
        return await self.store.put(
            item.path,
            collection=self.wish.collection,
            tags=self.wish.tags,
            description=self.wish.description,
            retention=self.wish.retention,
            metadata=metadata,
            on_progress=on_progress,
        )

    def _keep(self, item: Item, file: FileAttributes) -> None:
        self.stored += 1
        self.stored_bytes += file.content.size
        self.unreachable_in_a_row = 0
        if self.as_json:
            say_json({"path": _printable(item.path), "file": document_of(file)})
        else:
            self.bar.result(str(file.file_id), str(item.path))

    def fail(self, path: str, error: Exception) -> None:
        """Remember a failure, and whether going on makes sense."""
        self.failures.append((path, error))
        if self.as_json:
            code = error.code if isinstance(error, ArtStoreError) else type(error).__name__
            say_json({"path": _printable(Path(path)), "error": {"code": code, "detail": message(error)}})
        away = code_of(error) is Exit.UNREACHABLE
        self.unreachable_in_a_row = self.unreachable_in_a_row + 1 if away else 0
        if hopeless(error) or self.unreachable_in_a_row >= GIVEN_UP_AFTER_UNREACHABLE:
            self.stopped_by = error


def put(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    *,
    collection: Annotated[str, typer.Option(help="The collection that they belong to.")] = "default",
    tag: Annotated[list[str] | None, typer.Option(help="A tag of all of them; may be given several times.")] = None,
    description: Annotated[str, typer.Option(help="A description of all of them.")] = "",
    retention: Annotated[str, typer.Option(help="The retention policy.")] = "working",
    permanent: Annotated[bool, typer.Option("--permanent", help="The policy is one for permanent files.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="How many are sent at a time.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """Store files and folders; prints the id and the path of each. What is in a folder keeps its place as `path`."""
    kept = policy(retention)
    if permanent:
        kept = kept.model_copy(update={"kind": RetentionKind.PERMANENT})
    run(_put(paths, Wish(collection, tag or [], description, kept), jobs, as_json=as_json))


async def _put(paths: list[Path], wish: Wish, jobs: int, *, as_json: bool) -> None:
    began = time.monotonic()
    found = await asyncio.to_thread(lambda: list(items_of(paths)))
    items = [item for item in found if isinstance(item, Item)]
    async with connected() as store:
        with bar("Uploading", sum(item.size_bytes for item in items)) as shown:
            upload = Upload(store, wish, shown, as_json, iter(items))
            for unreadable in (entry for entry in found if isinstance(entry, OSError)):
                upload.fail(str(unreadable.filename), unreadable)
            await _side_by_side(upload, jobs)
    _report(upload, len(found), time.monotonic() - began)


async def _side_by_side(upload: Upload, jobs: int) -> None:
    workers = [asyncio.create_task(upload.work()) for _ in range(jobs)]
    try:
        await asyncio.gather(*workers)
    except asyncio.CancelledError:
        complain(f"Interrupted; {upload.stored} stored.")
        raise
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def _report(upload: Upload, total: int, seconds: float) -> None:
    if not total:
        complain("There are no files in it.")
    if upload.failures:
        rows = [(path, message(error), advice(error)) for path, error in upload.failures]
        show_table(("Failed", "Why", "What to do"), rows, on_stderr=True)
    not_tried = total - upload.stored - len(upload.failures)
    counts = f"{upload.stored} stored ({human(upload.stored_bytes)} in {seconds:.1f} s), {len(upload.failures)} failed"
    complain(counts + (f", {not_tried} not tried." if not_tried else "."))
    if upload.stopped_by is not None:
        raise typer.Exit(code_of(upload.stopped_by))
    if upload.failures or not total:
        raise typer.Exit(Exit.FAILED)


def _printable(path: Path) -> str:
    """A path as JSON can say it: bytes that are not UTF-8 are escaped."""
    return str(path).encode("utf-8", "backslashreplace").decode()
