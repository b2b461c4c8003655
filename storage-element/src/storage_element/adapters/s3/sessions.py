"""What the bucket knows of uploads that are sent in parts: each session, and the pieces that are its content."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel, ValidationError

from artstore_kit.contracts.errors import UploadUnknown
from artstore_kit.logs import event_logger
from storage_element.adapters.s3.attempts import Taken, unavailable
from storage_element.adapters.s3.bucket import Bucket
from storage_element.adapters.s3.pieces import Piece
from storage_element.adapters.s3.side_by_side import answers
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.domain import layout
from storage_element.domain.uploads import UploadSession

MOST_TURNS = 5


class KeptSession(BaseModel):
    """`staging/<upload id>.upload.json`: the session, and its content in order."""

    session: UploadSession
    pieces: list[Piece]


class Sessions:
    """Remembered once they are read or written; the master alone writes them."""

    def __init__(self, bucket: Bucket, superblocks: S3Superblocks) -> None:
        self._bucket = bucket
        self._superblocks = superblocks
        self._remembered: dict[UUID, KeptSession] = {}

    async def read_all(self) -> list[KeptSession]:
        """Every session in the bucket; one that cannot be read is left where it is."""
        keys = [
            each.key
            async for page in self._bucket.list(f"{layout.STAGING}/")
            for each in page
            if each.key.endswith(layout.SESSION_SUFFIX)
        ]
        for key, there in zip(keys, await answers(self._bucket.find, keys), strict=True):
            if there is not None:
                self._take(key, there.body)
        return list(self._remembered.values())

    async def find(self, upload_id: UUID) -> KeptSession | None:
        """One session."""
        if upload_id not in self._remembered:
            key = _key(upload_id)
            if there := await self._bucket.find(key):
                self._take(key, there.body)
        return self._remembered.get(upload_id)

    def pieces_of(self, upload_id: UUID) -> list[Piece]:
        """Those that count, in order; `UploadUnknown`."""
        if upload_id not in self._remembered:
            raise UploadUnknown
        return list(self._remembered[upload_id].pieces)

    async def keep(self, session: UploadSession, pieces: Sequence[Piece]) -> None:
        """Put the newest state in the place of the one before; pieces that do not count any more go. `Fenced`."""
        fresh = KeptSession(session=session, pieces=list(pieces))
        await self._put(_key(session.upload_id), fresh.model_dump_json(exclude_none=True).encode())
        before = self._remembered.get(session.upload_id)
        self._remembered[session.upload_id] = fresh
        counting = {piece.key for piece in fresh.pieces}
        await self._bucket.remove_many(
            [piece.key for piece in (before.pieces if before else []) if piece.key not in counting]
        )

    async def forget(self, upload_id: UUID) -> None:
        """State first: pieces without it are cleared away by the next recovery; `Fenced`."""
        await self._superblocks.confirm()
        await self._bucket.remove_many([_key(upload_id)])
        kept = self._remembered.pop(upload_id, None)
        await self._bucket.remove_many([piece.key for piece in kept.pieces] if kept else [])

    def _take(self, key: str, data: bytes) -> None:
        try:
            kept = KeptSession.model_validate_json(data)
        except ValidationError:
            event_logger().error("an upload cannot be read, and is left where it is", key=key)
        else:
            self._remembered[kept.session.upload_id] = kept

    async def _put(self, key: str, data: bytes) -> None:
        """Over what is there, as the master; what was kept before anybody took over is loaded by whoever does."""
        for _ in range(MOST_TURNS):
            there = await self._bucket.head(key)
            await self._superblocks.confirm()
            try:
                await self._bucket.put(key, data, there.etag if there else "")
            except Taken:
                continue
            await self._superblocks.confirm()
            return
        raise unavailable("put", f"{key} changes all the time")


def _key(upload_id: UUID) -> str:
    return f"{layout.STAGING}/{upload_id}{layout.SESSION_SUFFIX}"
