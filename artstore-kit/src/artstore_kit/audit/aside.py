"""Entries that the audit log refuses, kept where people find them: an eighth of the spool's room, beside it."""

import errno
import os
from pathlib import Path

from artstore_kit.contracts.errors import AuditSpoolFull

NAME = "aside"
SHARE = 8
"""Whoever tells wrong entries for ever fills no disk with them."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class Aside:
    """One file. What people take out of it makes room again."""

    def __init__(self, directory: Path, spool_limit_bytes: int) -> None:
        self.path = directory / NAME
        self._limit_bytes = spool_limit_bytes // SHARE

    def put(self, line: bytes) -> None:
        """On stable storage when this returns. `AuditSpoolFull` without room, in the file or on its disk."""
        try:
            self._put(line)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            raise AuditSpoolFull(f"{self.path} cannot be written: {error.strerror}.") from error

    def _put(self, line: bytes) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size + len(line) > self._limit_bytes:
                raise AuditSpoolFull(f"{self.path} is full.")
            if os.write(descriptor, line) < len(line):
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
