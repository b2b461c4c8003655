"""A small note in a file of fixed size, overwritten in place: a full disk does not keep it from being written."""

import json
import os
from pathlib import Path
from zlib import crc32

SIZE_BYTES = 512
"""One sector: old or new after a power cut; the checksum says so, should a disk do otherwise."""


class Slate:
    """Numbers by name. It is not synced: whoever reads it must be content with an older note."""

    def __init__(self, path: Path) -> None:
        """Makes the file where there is none; `OSError` when that fails."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(self._descriptor).st_size < SIZE_BYTES:
            os.pwrite(self._descriptor, bytes(SIZE_BYTES), 0)

    def read(self) -> dict[str, int]:
        """What was written last; nothing when that cannot be read."""
        checksum, _, text = os.pread(self._descriptor, SIZE_BYTES, 0).rstrip(b"\0 ").partition(b" ")
        if checksum != _checksum(text):
            return {}
        noted: dict[str, int] = json.loads(text)
        return noted

    def write(self, **numbers: int) -> None:
        """Note these in place of what was there."""
        text = json.dumps(numbers).encode()
        os.pwrite(self._descriptor, (_checksum(text) + b" " + text).ljust(SIZE_BYTES), 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _checksum(text: bytes) -> bytes:
    return b"%08x" % crc32(text)
