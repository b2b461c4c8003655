"""Content to be sent: random, each different from all others, and never whole in memory."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = os.urandom(2**20)
SALT_BYTES = 32


@dataclass(frozen=True)
class Body:
    """`salt` makes it different; what follows is one random block, again and again."""

    salt: bytes
    size_bytes: int

    @classmethod
    def fresh(cls, size_bytes: int) -> "Body":
        """Content that has never been before."""
        return cls(os.urandom(SALT_BYTES), size_bytes)

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The content in order."""
        left = self.size_bytes
        block = memoryview(BLOCK)
        yield self.salt[:left]
        left -= min(left, SALT_BYTES)
        while left:
            piece = block[:left]
            yield piece
            left -= len(piece)

    def sha256(self) -> str:
        """Its digest in hexadecimal."""
        hasher = hashlib.sha256()
        for piece in self.pieces():
            hasher.update(piece)
        return hasher.hexdigest()
