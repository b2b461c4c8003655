"""`artstore search`, `ls` and `info`: what is there."""

import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Annotated

import typer

from artstore import ArtStore, FileAttributes
from artstore.cli.credentials import connected
from artstore.cli.exits import run
from artstore.cli.output import document_of, human, say, say_fields, say_json
from artstore.search import Sort

Limit = Annotated[int | None, typer.Option(min=1, help="At most so many.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document a line, as in attr.json.")]


def search(
    query: Annotated[str, typer.Argument(help='Words, "a phrase", -without.')],
    *,
    collection: Annotated[str, typer.Option(help="Only this collection.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="Only with this tag; several must all be there.")] = None,
    media_type: Annotated[str, typer.Option(help="Only of this media type.")] = "",
    size_min: Annotated[int | None, typer.Option(min=0, help="Only from so many bytes on.")] = None,
    size_max: Annotated[int | None, typer.Option(min=0, help="Only up to so many bytes.")] = None,
    after: Annotated[datetime | None, typer.Option(help="Only uploaded after this moment.")] = None,
    before: Annotated[datetime | None, typer.Option(help="Only uploaded before this moment.")] = None,
    by: Annotated[str, typer.Option(help="Only uploaded by this person or client.")] = "",
    sort: Annotated[Sort | None, typer.Option(help="The order; without words it is newest first.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Find documents by name, description, tags and metadata, in Russian and English."""

    def found(store: ArtStore) -> AsyncIterator[FileAttributes]:
        hits = store.search(
            query,
            collection=collection,
            tags=tag or (),
            media_type=media_type,
            size_min=size_min,
            size_max=size_max,
            uploaded_after=after,
            uploaded_before=before,
            uploaded_by=by,
            sort=sort,
            limit=limit,
        )
        return (hit.file async for hit in hits)

    run(_show(found, as_json=as_json))


def ls(
    *,
    collection: Annotated[str, typer.Option(help="Only this collection.")] = "",
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """List documents, newest first."""
    run(_show(lambda store: store.ls(collection, limit=limit), as_json=as_json))


def info(
    file_id: Annotated[str, typer.Argument(help="The id of the file.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As in attr.json.")] = False,
) -> None:
    """Show everything that is known of a file."""
    file = run(_info(file_id))
    if as_json:
        say_json(document_of(file))
        return
    for name, value in _facts(file):
        say(f"{name:<14} {value}")


async def _show(found: Callable[[ArtStore], AsyncIterator[FileAttributes]], *, as_json: bool) -> None:
    """Each as soon as it is known: id, size, moment of upload, collection, name."""
    async with connected() as store:
        async for file in found(store):
            if as_json:
                say_json(document_of(file))
            else:
                say_fields(_row(file))


def _row(file: FileAttributes) -> tuple[str, ...]:
    content, uploaded = file.content, file.uploaded_at
    if sys.stdout.isatty():
        moment = f"{uploaded.astimezone():%Y-%m-%d %H:%M}"
        return (str(file.file_id), f"{human(content.size):>9}", moment, file.collection, content.name)
    return (str(file.file_id), str(content.size), uploaded.isoformat(), file.collection, content.name)


async def _info(file_id: str) -> FileAttributes:
    async with connected() as store:
        return await store.info(file_id)


def _facts(file: FileAttributes) -> list[tuple[str, str]]:
    content, retention = file.content, file.retention
    until = [f"{name} {moment:%Y-%m-%d}" for name, moment in _moments(file) if moment is not None]
    return [
        ("id", str(file.file_id)),
        ("name", content.name),
        ("media type", content.media_type),
        ("size", f"{content.size} bytes"),
        ("sha-256", content.sha256),
        ("collection", file.collection),
        ("description", file.description),
        ("tags", ", ".join(file.tags)),
        *((f"  {key}", str(value)) for key, value in file.metadata.items()),
        ("retention", ", ".join([f"{retention.policy} ({retention.kind.value})", *until])),
        ("holds", ", ".join(hold.id for hold in file.holds)),
        ("uploaded", f"{file.uploaded_at.astimezone():%Y-%m-%d %H:%M:%S %z} by {file.uploaded_by}"),
        ("revision", f"{file.revision}, content version {content.version}"),
        ("element", file.element.id),
    ]


def _moments(file: FileAttributes) -> list[tuple[str, datetime | None]]:
    return [("expires", file.retention.expires_at), ("kept until", file.retention.retain_until)]
