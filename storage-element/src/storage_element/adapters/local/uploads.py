"""Uploads that are sent in parts, in staging: the content in one file that grows, its state in another."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from artstore_kit.contracts.errors import ContentCorrupt
from artstore_kit.logs import event_logger
from storage_element.adapters.local import disk
from storage_element.adapters.local.direct import BLOCK_BYTES, Buffers, DirectFile
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.stream import Stream
from storage_element.domain import layout
from storage_element.domain.incoming import Hash
from storage_element.domain.uploads import UploadSession

READ_AT_ONCE_BYTES = 4 * 1024 * 1024


class LocalPart:
    """One part, written behind what is there."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.size = 0

    async def write(self, chunk: bytes) -> None:
        """Take some bytes; returns when there is room for more."""
        self.size += len(chunk)
        await self._stream.fill(chunk)

    def room(self) -> memoryview:
        """Where the next bytes go."""
        return self._stream.room()

    async def filled(self, length: int) -> None:
        """So many bytes are there now; returns when there is room for more."""
        self.size += length
        await self._stream.filled(length)

    async def finish(self) -> None:
        """Return when all of it is hashed and on stable storage."""
        await self._stream.finish()

    async def settle(self) -> None:
        """Let go of it."""
        await self._stream.settle()


class LocalUploads:
    """The uploads in staging."""

    def __init__(self, fence: Fence, executor: Executor, buffers: Buffers) -> None:
        self._fence = fence
        self._executor = executor
        self._buffers = buffers

    async def all(self) -> Sequence[UploadSession]:
        """Those that are open; what is left of others is removed."""
        return await self._run(self._all)

    async def make(self, session: UploadSession) -> None:
        """Content first: state without content is what is left of an upload that was committed."""
        await self._run(self._make, session)

    async def save(self, session: UploadSession) -> None:
        """Put the newest state in the place of the one before."""
        await self._run(self._save, session)

    async def remove(self, upload_id: UUID) -> None:
        """State first: content without state is cleared away at the next start."""
        await self._run(self._remove, upload_id)

    async def part(self, session: UploadSession, hashes: Sequence[Hash]) -> LocalPart:
        """The part that begins at the session's offset."""
        path = self._content(session.upload_id)
        last_block = await self._run(_last_block, path, session.offset)
        stream = Stream(partial(self._resumed, path, session.offset), self._executor, self._buffers, hashes)
        if last_block:
            stream.go_on_after(last_block)
        return LocalPart(stream)

    async def sha256(self, session: UploadSession) -> Hash:
        """Of the content so far; reads it into a new file: a stale master may still write to the one it has open."""
        return await self._run(self._made_anew, session)

    async def _run[*Args, T](self, work: Callable[[*Args], T], *args: *Args) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._guarded, work, *args)

    def _guarded[*Args, T](self, work: Callable[[*Args], T], *args: *Args) -> T:
        with self._fence.guarding():
            return work(*args)

    def _all(self) -> list[UploadSession]:
        sessions = []
        for path in self._fence.entries():
            if not path.name.endswith(layout.SESSION_SUFFIX):
                continue
            try:
                session = UploadSession.model_validate_json(path.read_bytes())
            except ValidationError:
                event_logger().error("an upload cannot be read, and is left where it is", path=str(path))
                continue
            if self._content(session.upload_id).exists():
                sessions.append(session)
            else:
                self._remove(session.upload_id)
        return sessions

    def _make(self, session: UploadSession) -> None:
        os.close(os.open(self._content(session.upload_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
        try:
            self._save(session)
        except OSError:
            with suppress(OSError):  # then the next start clears it away
                self._remove(session.upload_id)
            raise

    def _save(self, session: UploadSession) -> None:
        fresh = self._fence.path(f"{session.upload_id}.new")
        disk.replace_durably(self._state(session.upload_id), session.to_json(), fresh)

    def _remove(self, upload_id: UUID) -> None:
        self._state(upload_id).unlink(missing_ok=True)
        self._content(upload_id).unlink(missing_ok=True)
        self._fence.check()

    def _resumed(self, path: Path, at: int) -> DirectFile:
        with self._fence.guarding():
            return DirectFile.resumed(path, at)

    def _made_anew(self, session: UploadSession) -> Hash:
        path = self._content(session.upload_id)
        fresh = self._fence.path(f"{session.upload_id}.content.new")
        with disk.nothing_left(fresh):
            sha256 = _copied(path, fresh, session.offset)
            Path(fresh).rename(path)
        disk.sync_directory(path.parent)
        return sha256

    def _state(self, upload_id: UUID) -> Path:
        return Path(self._fence.path(layout.session_name(upload_id)))

    def _content(self, upload_id: UUID) -> Path:
        return Path(self._fence.path(str(upload_id)))


def _last_block(path: Path, size: int) -> bytes:
    """What lies in the block that the next part shares with those before."""
    begin = size - size % BLOCK_BYTES
    with path.open("rb") as file:
        file.seek(begin)
        return _whole(file.read(size - begin), size - begin, path)


def _copied(path: Path, fresh: str, size: int) -> Hash:
    """The sha256 of the first `size` bytes, which are durable at `fresh` then."""
    sha256 = hashlib.sha256()
    fd = disk.create(fresh)
    try:
        with path.open("rb") as file:
            while size:
                chunk = _whole(file.read(min(size, READ_AT_ONCE_BYTES)), min(size, READ_AT_ONCE_BYTES), path)
                sha256.update(chunk)
                disk.write_all(fd, chunk)
                size -= len(chunk)
        os.fsync(fd)
    finally:
        os.close(fd)
    return sha256


def _whole(data: bytes, size: int, path: Path) -> bytes:
    if len(data) != size:
        raise ContentCorrupt(f"Of the upload {path.name} less is there than was acknowledged; begin it anew.")
    return data
