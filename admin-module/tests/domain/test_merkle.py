"""The tree in tiles gives what RFC 9162 says, told there by recursion, for every size and every proof."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admin_module.domain.merkle import (
    TileId,
    consistency_spans,
    edge_tiles,
    grown,
    inclusion_spans,
    leaf_hash,
    root_hash,
    span_hash,
    tiles_of,
)

LARGEST = 2000
LEAVES = [str(number).encode() for number in range(LARGEST)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def mth(leaves: list[bytes]) -> bytes:
    """Section 2.1.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """Section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """Section 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def included(index: int, size: int, leaf: bytes, proof: list[bytes], root: bytes) -> bool:
    """Section 2.1.3.2."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, sha256(b"\x00" + leaf).digest()
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = sha256(b"\x01" + p + r).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def consistent(first: int, second: int, proof: list[bytes], old: bytes, new: bytes) -> bool:
    """Section 2.1.4.2."""
    if first == second:
        return not proof and old == new
    nodes = [old, *proof] if first & (first - 1) == 0 else proof
    if not nodes:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = nodes[0]
    for c in nodes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\x01" + c + fr).digest(), sha256(b"\x01" + c + sr).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\x01" + sr + c).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old and sr == new


def tiles_for(*sizes: int) -> dict[TileId, bytes]:
    """Those of a log that had these sizes after each append."""
    tiles: dict[TileId, bytes] = {}
    for before, after in pairwise((0, *sizes)):
        edge = {tile: tiles[tile] for tile in edge_tiles(before)}
        tiles |= grown(before, edge, HASHES[before:after])
    return tiles


WHOLE = tiles_for(LARGEST)


def test_a_tree_of_every_size_has_its_root() -> None:
    for size in (*range(600), 1023, 1024, 1025, LARGEST):
        assert root_hash(WHOLE, size) == mth(LEAVES[:size]), size


@given(st.lists(st.integers(1, LARGEST), min_size=1, max_size=12, unique=True).map(sorted))
@settings(deadline=None, max_examples=60)
def test_however_it_grew_the_tiles_are_the_same(sizes: list[int]) -> None:
    assert tiles_for(*sizes) == tiles_for(sizes[-1])


def test_one_leaf_at_a_time_makes_the_same_tiles() -> None:
    assert tiles_for(*range(1, 600)) == tiles_for(599)


@given(st.data())
@settings(deadline=None)
def test_inclusion(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    spans = inclusion_spans(index, size)
    only = {tile: WHOLE[tile] for tile in tiles_of(spans)}
    proof = [span_hash(only, span) for span in spans]
    assert proof == path(index, LEAVES[:size])
    assert included(index, size, LEAVES[index], proof, mth(LEAVES[:size]))
    assert not included(index, size, b"another", proof, mth(LEAVES[:size]))


@given(st.data())
@settings(deadline=None)
def test_consistency(data: st.DataObject) -> None:
    second = data.draw(st.integers(1, LARGEST))
    first = data.draw(st.integers(1, second))
    spans = consistency_spans(first, second)
    only = {tile: WHOLE[tile] for tile in tiles_of(spans)}
    proof = [span_hash(only, span) for span in spans]
    assert proof == subproof(first, LEAVES[:second], True)
    assert consistent(first, second, proof, mth(LEAVES[:first]), mth(LEAVES[:second]))
    assert not consistent(first, second, proof, mth([*LEAVES[: first - 1], b"another"]), mth(LEAVES[:second]))


def test_a_proof_in_a_large_tree_needs_few_tiles() -> None:
    for index in (0, 4_999_999, 9_999_999):
        assert len(tiles_of(inclusion_spans(index, 10_000_000))) <= 6
    assert len(tiles_of(consistency_spans(1_234_567, 10_000_000))) <= 6


@pytest.mark.parametrize("edge", [{(0, 0): b""}, {(0, 0): bytes(64)}])
def test_an_edge_of_another_tree_is_not_gone_on_with(edge: dict[TileId, bytes]) -> None:
    with pytest.raises(ValueError, match="tile 0/0 should hold 3 hashes"):
        grown(3, edge, HASHES[:1])


def test_a_hash_is_not_made_of_a_tile_that_is_too_short() -> None:
    with pytest.raises(KeyError):
        root_hash({(0, 0): HASHES[0]}, 2)
