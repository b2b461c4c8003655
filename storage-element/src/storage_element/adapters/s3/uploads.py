"""Uploads that are sent in parts: what has come lies in pieces in staging, and the session says which of them count."""

import asyncio
import hashlib
from collections.abc import Sequence
from uuid import UUID

from artstore_kit.contracts.errors import ContentCorrupt
from storage_element.adapters.s3.attempts import Absent
from storage_element.adapters.s3.bucket import Bucket
from storage_element.adapters.s3.part import S3Part
from storage_element.adapters.s3.pieces import LEAST_BYTES, Piece
from storage_element.adapters.s3.sessions import Sessions
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.domain import layout
from storage_element.domain.incoming import Hash
from storage_element.domain.uploads import UploadSession


class S3Uploads:
    """The uploads in staging."""

    def __init__(self, bucket: Bucket, superblocks: S3Superblocks, sessions: Sessions, part_bytes: int) -> None:
        self._bucket = bucket
        self._superblocks = superblocks
        self._sessions = sessions
        self._part_bytes = part_bytes
        self._under_way: dict[UUID, S3Part] = {}

    async def all(self) -> Sequence[UploadSession]:
        """Those that are open; one whose file is there was committed, and what is left of it is removed."""
        found: list[UploadSession] = []
        for kept in await self._sessions.read_all():
            if await self._bucket.head(layout.attributes_path(kept.session.file_id)) is None:
                found.append(kept.session)
            else:
                await self._sessions.forget(kept.session.upload_id)
        return found

    async def make(self, session: UploadSession) -> None:
        """Begin an upload, durably."""
        await self._sessions.keep(session, [])

    async def save(self, session: UploadSession) -> None:
        """Keep the newest state, and with it the pieces of the part that has just ended."""
        part = self._under_way.pop(session.upload_id, None)
        await self._sessions.keep(session, part.pieces if part else self._sessions.pieces_of(session.upload_id))

    async def remove(self, upload_id: UUID) -> None:
        """Forget an upload, and its content."""
        self._under_way.pop(upload_id, None)
        await self._sessions.forget(upload_id)

    async def part(self, session: UploadSession, hashes: Sequence[Hash]) -> S3Part:
        """The part that begins at the session's offset; a last piece that is too short to stay is sent again."""
        pieces = self._sessions.pieces_of(session.upload_id)
        begin = await self._read(pieces.pop()) if pieces and pieces[-1].size < LEAST_BYTES else b""
        part = S3Part(self._bucket, session.upload_id, pieces, begin, hashes, piece_bytes=self._part_bytes)
        self._under_way[session.upload_id] = part
        return part

    async def sha256(self, session: UploadSession) -> Hash:
        """Of the content so far; reads it."""
        sha256 = hashlib.sha256()
        for piece in self._sessions.pieces_of(session.upload_id):
            await asyncio.to_thread(sha256.update, await self._read(piece))
        return sha256

    async def _read(self, piece: Piece) -> bytes:
        try:
            data = (await self._bucket.get(piece.key)).body
        except Absent:
            data = b""
        if len(data) != piece.size:
            await self._superblocks.confirm()
            raise ContentCorrupt("Of the upload less is there than was acknowledged; begin it anew.")
        return data
