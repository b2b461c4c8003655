"""Reads stored content from the disk, past the page cache: what is verified is what a later reader will find."""

import errno
import hashlib
import os
from pathlib import Path

from storage_element.adapters.local.direct import BUFFER_BYTES, Buffers
from storage_element.domain.storage import ContentMissing
from storage_element.domain.upkeep import ContentUnreadable, Reread

_DAMAGED = frozenset({errno.EIO, errno.EUCLEAN, errno.EBADMSG, errno.EILSEQ, errno.ENODATA})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.ELOOP, errno.EISDIR})


class Rereading:
    """One content being read, a piece at a time."""

    def __init__(self, path: Path, buffers: Buffers) -> None:
        self._buffers = buffers
        self._sha256 = hashlib.sha256()
        self._fd = _open(path)
        self._buffer = buffers.take(BUFFER_BYTES)
        self._size = os.fstat(self._fd).st_size
        self._at = 0

    @property
    def next_bytes(self) -> int:
        """How long the next piece is; 0 at the end."""
        return min(BUFFER_BYTES, self._size - self._at)

    def read(self) -> None:
        """Read and hash the next piece."""
        try:
            got = os.preadv(self._fd, [self._buffer], self._at)
        except OSError as error:
            raise _meant(error) from error
        with memoryview(self._buffer) as view:
            self._sha256.update(view[:got])
        self._at += got
        if got == 0:
            self._size = self._at

    def result(self) -> Reread:
        """What was read."""
        return Reread(self._at, self._sha256.hexdigest())

    def close(self) -> None:
        """Let go of it."""
        self._buffers.give(self._buffer)
        os.close(self._fd)


def _open(path: Path) -> int:
    flags = os.O_RDONLY | os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_DIRECT)
    except FileNotFoundError:
        raise ContentMissing(f"{path.name} is missing") from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise _meant(error) from error
    # The file system has no direct reads (older tmpfs): have it forget what it remembers.
    fd = os.open(path, flags)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    return fd


def _meant(error: OSError) -> Exception:
    """Damage, a matter of permission, or something that says nothing of the content."""
    if error.errno in _DAMAGED | _FORBIDDEN:
        return ContentUnreadable(f"cannot be read: {error.strerror}", may_pass=error.errno in _FORBIDDEN)
    return error
