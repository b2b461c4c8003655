"""The Merkle tree hash of RFC 9162 section 2.1.1 over leaves that come one by one, and the leaf of a document."""

import hashlib
from uuid import UUID

_LEAF, _NODE = b"\x00", b"\x01"
NOTHING = hashlib.sha256().hexdigest()
"""The root of a tree without leaves."""


def document_leaf(file_id: UUID, sha256: str, attributes: bytes) -> bytes:
    """A document: its id, the sha-256 of its content, its attr.json as it is (docs/formats/index-root.md)."""
    return file_id.bytes + bytes.fromhex(sha256) + attributes


class MerkleTree:
    """Takes leaves in their order; holds one hash for each power of two in their number."""

    def __init__(self) -> None:
        self._complete: list[bytes] = []
        self.leaves = 0

    def add(self, leaf: bytes) -> None:
        """Append a leaf."""
        node = hashlib.sha256(_LEAF + leaf).digest()
        self.leaves += 1
        filled = self.leaves
        while filled % 2 == 0:
            node = hashlib.sha256(_NODE + self._complete.pop() + node).digest()
            filled //= 2
        self._complete.append(node)

    def root(self) -> str:
        """The tree hash of all leaves so far, in hexadecimal."""
        if not self._complete:
            return NOTHING
        *left, node = self._complete
        for sibling in reversed(left):
            node = hashlib.sha256(_NODE + sibling + node).digest()
        return node.hex()
