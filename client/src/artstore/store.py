"""The SDK: one object for a fleet, with the operations that people and scripts need."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pydantic import JsonValue

from artstore import holds, upload
from artstore.approvals import Approvals, shown
from artstore.connection import Connection, Request, discover, http_session
from artstore.content import ContentStream
from artstore.download import download
from artstore.proofs import proof_of
from artstore.retry import persist
from artstore.search import Search, Sort, hits
from artstore.sending import Progress
from artstore.tokens import ClientCredentials, GivenToken
from artstore_kit.contracts.errors import FileUnknown
from artstore_kit.contracts.files import (
    AttributeChanges,
    FileAttributes,
    Retention,
    SearchHit,
)
from artstore_kit.contracts.ids import parse_file_id


class ArtStore:
    """A connected fleet. Every method raises an `ArtStoreError` (by its code) for what the fleet refuses."""

    def __init__(self, connection: Connection) -> None:
        """Use `ArtStore.connect`."""
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        url: str,
        *,
        client_id: str = "",
        client_secret: str = "",
        key_file: Path | str = "",
        access_token: str = "",
    ) -> AsyncIterator["ArtStore"]:
        """Connect to the fleet whose admin module is at `url`, as a service account or with a token you hold.

        The account shows its secret, or signs with the private key in `key_file` (PEM or JWK; `UnusableKey`).
        """
        admin_url = url.rstrip("/")
        proof = proof_of(client_id, client_secret, key_file)
        async with http_session() as session:
            addresses = await discover(session, admin_url)
            account = ClientCredentials(session, admin_url, proof)
            yield cls(Connection(session, GivenToken(access_token) if access_token else account, addresses))

    @property
    def approvals(self) -> Approvals:
        """Four eyes: what one administrator asks for and another one approves."""
        return Approvals(self._connection)

    async def put(
        self,
        source: upload.Uploadable,
        *,
        name: str = "",
        collection: str = "default",
        media_type: str = "",
        retention: str | Retention = "working",
        description: str = "",
        tags: Sequence[str] = (),
        metadata: Mapping[str, JsonValue] | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str = "",
    ) -> FileAttributes:
        """Store a document; when this returns, it is kept, and is what was given (sha-256).

        `name` is the path's own unless given; `media_type` is guessed from the name. A retention by name is temporary
        unless it is "permanent". A path or bytes are sent again after a passing failure without making a second file;
        an async iterator can be sent once. `on_progress(sent_bytes, total_bytes)` is called after each block.
        `idempotency_key` makes repetition safe across processes too; without it each call is a new document.
        """
        attributes = upload.describe(
            name=name or upload.name_of(source),
            media_type=media_type,
            collection=collection,
            retention=retention,
            description=description,
            tags=list(tags),
            metadata=dict(metadata or {}),
        )
        return await upload.send(self._connection, source, attributes, on_progress, idempotency_key)

    async def get(self, file_id: UUID | str, path: Path | str, *, on_progress: Progress | None = None) -> Path:
        """Download to `path`, replacing what is there only when everything has arrived and is right.

        Until then it lies in `<path>.part`; a cut download goes on from there, now or when it is asked for again.
        """
        target = Path(path)
        await download(ContentStream(self._connection, _id(file_id)), target, on_progress)
        return target

    @asynccontextmanager
    async def open(self, file_id: UUID | str) -> AsyncIterator[ContentStream]:
        """The content as a stream: `async with store.open(id) as stream: async for chunk in stream: ...`."""
        stream = ContentStream(self._connection, _id(file_id))
        try:
            await stream.begin()
            yield stream
        finally:
            stream.close()

    async def info(self, file_id: UUID | str) -> FileAttributes:
        """Everything that is known of a file."""
        answer = await self._connection.ask(Request("GET", f"{self._connection.query}/files/{_id(file_id)}"))
        return answer.as_a(FileAttributes)

    async def search(
        self,
        text: str = "",
        *,
        collection: str = "",
        tags: Sequence[str] = (),
        media_type: str = "",
        size_min: int | None = None,
        size_max: int | None = None,
        uploaded_after: datetime | None = None,
        uploaded_before: datetime | None = None,
        uploaded_by: str = "",
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[SearchHit]:
        """Documents that match, page by page as they are asked for; all of them unless `limit` is given."""
        search = Search(
            text=text,
            collection=collection,
            tags=tuple(tags),
            media_type=media_type,
            size_min=size_min,
            size_max=size_max,
            uploaded_after=uploaded_after,
            uploaded_before=uploaded_before,
            uploaded_by=uploaded_by,
            sort=sort,
        )
        async for hit in hits(self._connection, search, limit):
            yield hit

    async def ls(self, collection: str = "", *, limit: int | None = None) -> AsyncIterator[FileAttributes]:
        """All documents (of a collection), newest first."""
        async for hit in hits(self._connection, Search(collection=collection, sort="newest"), limit):
            yield hit.file

    async def update(
        self, file_id: UUID | str, changes: AttributeChanges, *, if_revision: int | None = None
    ) -> FileAttributes:
        """Set attributes; with `if_revision` only if nobody has changed the file since (`RevisionMismatch`)."""
        request = Request(
            "PATCH",
            f"{self._connection.ingester}/files/{_id(file_id)}",
            headers={"Content-Type": "application/json"}
            | ({} if if_revision is None else {"If-Match": f'"r{if_revision}"'}),
            document=changes.model_dump_json(exclude_none=True).encode(),
            # After a lost answer the revision is a new one, and the repetition would be refused although it was done.
            repeatable=if_revision is None,
        )
        return (await self._connection.ask(request)).as_a(FileAttributes)

    async def hold(self, file_id: UUID | str, hold_id: str, *, reason: str = "") -> FileAttributes:
        """Put a document under a legal hold: nothing removes or alters it. The same again changes nothing."""
        return await holds.place(self._connection, _id(file_id), hold_id, reason)

    async def release(self, file_id: UUID | str, hold_id: str, *, approval: UUID | str | None = None) -> None:
        """Take a hold away, with the approval of a second administrator; nothing happens when there is none."""
        await holds.release(self._connection, _id(file_id), hold_id, approval)

    async def delete(self, file_id: UUID | str, *, approval: UUID | str | None = None) -> None:
        """Remove a document, with an approval before its retention ends; `FileUnknown` when there was none."""
        request = Request("DELETE", f"{self._connection.ingester}/files/{_id(file_id)}", headers=shown(approval))
        attempts = 0

        async def attempt() -> None:
            nonlocal attempts
            attempts += 1
            try:
                await self._connection.ask_once(request)
            except FileUnknown:
                if attempts == 1:
                    raise  # later it means that an attempt whose answer was lost had removed it

        await persist(attempt)


def _id(file_id: UUID | str) -> UUID:
    return parse_file_id(str(file_id))
