"""The tree hash, against vectors that Certificate Transparency's own implementations are tested with."""

import hashlib
from uuid import UUID

import pytest

from storage_element.domain.merkle import MerkleTree, document_leaf

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def tree(leaves: list[bytes]) -> MerkleTree:
    made = MerkleTree()
    for leaf in leaves:
        made.add(leaf)
    return made


def defined(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


@pytest.mark.parametrize(("count", "root"), ROOTS.items())
def test_known_roots(count: int, root: str) -> None:
    made = tree([bytes.fromhex(leaf) for leaf in LEAVES[:count]])
    assert (made.leaves, made.root()) == (count, root)


@pytest.mark.parametrize("count", range(40))
def test_every_number_of_leaves(count: int) -> None:
    leaves = [b"%d" % number for number in range(count)]
    assert tree(leaves).root() == defined(leaves).hex()


def test_any_change_changes_the_root() -> None:
    leaves = [b"%d" % number for number in range(9)]
    others = [leaves[:8], [*leaves, b"9"], leaves[::-1], [*leaves[:4], b"x", *leaves[5:]]]
    assert len({tree(each).root() for each in (leaves, *others)}) == 5


def test_the_leaf_of_a_document() -> None:
    """As docs/formats/index-root.md says it."""
    file_id = UUID("0198f6f4-27c0-7000-8000-000000000001")
    leaf = document_leaf(file_id, "ab" * 32, b'{"schema":1}')
    assert leaf.hex() == "0198f6f427c070008000000000000001" + "ab" * 32 + b'{"schema":1}'.hex()
