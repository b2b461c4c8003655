"""Documents as plain files below the element's root, put in place from journal records."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from artstore_kit.contracts.errors import FileUnknown
from artstore_kit.contracts.files import ATTRIBUTES_LIMIT_BYTES, FileAttributes
from storage_element.adapters.local import disk
from storage_element.adapters.local.fence import Fence
from storage_element.domain import layout
from storage_element.domain.capacity import Room
from storage_element.domain.records import Kind, Record
from storage_element.domain.storage import ContentMissing

KNOWN_DIRECTORIES = 10_000
MOST_AT_ONCE = 2 * ATTRIBUTES_LIMIT_BYTES
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class LocalFiles:
    """The element's directory. `place` is how every change reaches it, in normal running and in replay alike."""

    def __init__(self, root: Path, fence: Fence) -> None:
        self._root = str(root)
        self.fence = fence
        self._sync_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._known_directories: set[str] = set()

    def close(self) -> None:
        """Let go of the root."""
        os.close(self._sync_fd)

    # --- changing

    def place(self, record: Record) -> None:
        """Bring the files to what `record` says; doing it twice changes nothing. Nothing is synced here."""
        try:
            self._place(record)
        except FileNotFoundError:
            self.fence.check()
            raise

    def _place(self, record: Record) -> None:
        if record.kind is Kind.REMOVE:
            self._remove(record)
            return
        self._make_directory(record.file_id)
        if record.kind is not Kind.CHANGE:
            self._place_content(record)
        self._place_attributes(record)

    def sync(self) -> None:
        """Return when everything placed is on stable storage."""
        disk.sync_file_system(self._sync_fd)

    def _place_content(self, record: Record) -> None:
        version = 1 if record.kind.creates else _version(record)
        target = self._path(layout.content_path(record.file_id, version))
        if record.kind in {Kind.CREATE_INLINE, Kind.REPLACE_INLINE}:
            self._write_content(target, record)
            return
        try:
            os.rename(self.staged(record.staging), target)
        except FileNotFoundError:
            self.fence.check()
            if not os.path.exists(target):
                raise ContentMissing(f"{record.file_id}: the staged content is gone") from None

    def _write_content(self, target: str, record: Record) -> None:
        """Under its own name when that is free. What a replay finds there may be half of it, and is replaced."""
        try:
            fd = os.open(target, _CREATE, 0o640)
        except FileExistsError:
            fresh = self.fence.path(f"{record.file_id}.{record.lsn}.new")
            _fill(disk.create(fresh), record.content)
            os.rename(fresh, target)
        else:
            _fill(fd, record.content)

    def _place_attributes(self, record: Record) -> None:
        fresh = self.fence.path(f"{record.file_id}.{record.lsn}.attr")
        _fill(disk.create(fresh), record.attributes)
        os.rename(fresh, self._path(layout.attributes_path(record.file_id)))

    def _remove(self, record: Record) -> None:
        """First the attributes: a file is there as long as they are."""
        self._unlink(layout.attributes_path(record.file_id))
        for version in range(_version(record), 0, -1):
            self.remove_content(record.file_id, version)

    def remove_content(self, file_id: UUID, version: int) -> None:
        """Remove a version of the content, if it is there; `Fenced`."""
        self._unlink(layout.content_path(file_id, version))

    def _unlink(self, path: str) -> None:
        try:
            os.unlink(self.fence.through(path))
        except FileNotFoundError:
            self.fence.check()

    def _make_directory(self, file_id: UUID) -> None:
        directory = layout.directory_of(file_id)
        if directory not in self._known_directories:
            if len(self._known_directories) >= KNOWN_DIRECTORIES:
                self._known_directories.clear()
            os.makedirs(self._path(directory), mode=0o750, exist_ok=True)
            self._known_directories.add(directory)

    # --- staging

    def staged(self, staging: UUID) -> Path:
        """Where the bytes of an upload wait for their commit."""
        return Path(self.fence.path(str(staging)))

    def clear_staging(self) -> int:
        """Remove what neither a record nor an open upload names; only right after replay. How many there were."""
        with self.fence.guarding():
            entries = {entry.name: entry for entry in self.fence.entries() if entry.is_file()}
        open_uploads = {f"{name}{layout.SESSION_SUFFIX}" for name in entries} & entries.keys()
        kept = {layout.MARK} | open_uploads | {name.removesuffix(layout.SESSION_SUFFIX) for name in open_uploads}
        left = [entry for name, entry in entries.items() if name not in kept]
        for entry in left:
            entry.unlink(missing_ok=True)
        return len(left)

    # --- reading

    def has(self, file_id: UUID) -> bool:
        """Whether there is such a file."""
        return os.path.exists(self._path(layout.attributes_path(file_id)))

    def read_attributes(self, file_id: UUID) -> bytes:
        """The bytes of attr.json; `FileUnknown` when there is none."""
        try:
            return Path(self._path(layout.attributes_path(file_id))).read_bytes()
        except FileNotFoundError:
            raise FileUnknown(f"This element has no file {file_id}.") from None

    def open_content(self, file_id: UUID, version: int) -> int:
        """A descriptor of the content; `FileNotFoundError` when it is not there."""
        return os.open(self._path(layout.content_path(file_id, version)), os.O_RDONLY | os.O_CLOEXEC)

    def all_attributes(self) -> Iterator[tuple[str, bytes]]:
        """Every attr.json: its path and bytes, in the order of the directories."""
        for directory, subdirectories, names in os.walk(self._path(layout.FILES), onerror=_not_there):
            subdirectories.sort()
            for name in sorted(names):
                if name.endswith(layout.ATTRIBUTES_SUFFIX):
                    yield from _read_if_there(f"{directory}/{name}")

    def room(self) -> Room:
        """What the file system has. One that makes inodes as it needs them says that it has none at all."""
        now = os.fstatvfs(self._sync_fd)
        inodes = now.f_favail if now.f_files else None
        return Room(now.f_blocks * now.f_frsize, now.f_bavail * now.f_frsize, inodes)

    def _path(self, relative: str) -> str:
        """A string: making `Path` objects would be a tenth of the time that a small file takes."""
        return f"{self._root}/{relative}"


def _version(record: Record) -> int:
    return FileAttributes.model_validate_json(record.attributes).content.version


def _fill(fd: int, data: bytes) -> None:
    try:
        disk.write_all(fd, data)
    finally:
        os.close(fd)


def _read_if_there(path: str) -> Iterator[tuple[str, bytes]]:
    """A file may be removed while the tree is walked. A file object for each would take twice as long."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        pieces = [os.read(fd, MOST_AT_ONCE)]
        while len(pieces[-1]) == MOST_AT_ONCE:
            pieces.append(os.read(fd, MOST_AT_ONCE))
    finally:
        os.close(fd)
    yield path, b"".join(pieces)


def _not_there(error: OSError) -> None:
    """A directory may be removed while the tree is walked; one that cannot be read is not empty."""
    if not isinstance(error, FileNotFoundError):
        raise error
