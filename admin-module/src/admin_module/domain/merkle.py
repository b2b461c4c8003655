"""The Merkle tree of RFC 9162 section 2.1, kept in tiles of 256 hashes, so that any proof reads a few rows.

The tile (level, number) holds up to 256 neighbouring nodes of height 8 x level; those below them follow by hashing.
A node is written once all of its leaves are there, and never changes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from hashlib import sha256

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES

type TileId = tuple[int, int]
"""Level and number."""
type Tiles = Mapping[TileId, bytes]
type Span = tuple[int, int]
"""Leaves from the first up to, and without, the second."""
type Node = tuple[int, int]
"""Height, and how many nodes of that height stand left of it."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf."""
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node from those of its children."""
    return sha256(b"\1" + left + right).digest()


def edge_tiles(size: int) -> list[TileId]:
    """The tiles, begun and not full, that the next leaves of a tree of this size go on filling."""
    levels = range((size.bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT)
    counts = [size >> TILE_HEIGHT * level for level in levels]
    return [(level, count // TILE_WIDTH) for level, count in enumerate(counts) if count % TILE_WIDTH]


def grown(size: int, edge: Tiles, hashes: Sequence[bytes]) -> dict[TileId, bytes]:
    """The tiles that are new or changed when leaves with these hashes follow; `edge` is what `edge_tiles` names.

    `ValueError` when the edge does not belong to a tree of this size.
    """
    changed: dict[TileId, bytes] = {}
    level = 0
    while hashes:
        number, filled = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
        begun = edge[level, number] if filled else b""
        if len(begun) != filled * HASH_BYTES:
            raise ValueError(f"tile {level}/{number} should hold {filled} hashes")
        whole = b"".join((begun, *hashes))
        tiles = [whole[start : start + TILE_BYTES] for start in range(0, len(whole), TILE_BYTES)]
        changed.update({(level, number + offset): tile for offset, tile in enumerate(tiles)})
        hashes = [_perfect(tile) for tile in tiles if len(tile) == TILE_BYTES]
        level += 1
    return changed


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Whose hashes prove that the leaf at `index` is in the tree of this size (section 2.1.3.1)."""
    start, end, spans = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """Whose hashes prove that the tree of size `second` begins with that of size `first` > 0 (section 2.1.4.1)."""
    start, end, spans = 0, second, []
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return [*([(start, end)] if start else []), *spans[::-1]]


def tiles_of(spans: Iterable[Span]) -> set[TileId]:
    """The tiles from which the hashes of these spans follow."""
    return {_place(node)[0] for span in spans for node in _nodes(span)}


def span_hash(tiles: Tiles, span: Span) -> bytes:
    """The hash of one of the spans above, or of a whole tree; `KeyError` without its tiles."""
    *left, last = [_node_hash(tiles, node) for node in _nodes(span)]
    return reduce(lambda right, each: node_hash(each, right), reversed(left), last)


def root_hash(tiles: Tiles, size: int) -> bytes:
    """The hash of the tree of this size."""
    return span_hash(tiles, (0, size)) if size else sha256().digest()


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _nodes(span: Span) -> Iterator[Node]:
    """The perfect subtrees of which a span consists, the largest first."""
    start, end = span
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def _place(node: Node) -> tuple[TileId, int, int]:
    """In which tile the node's descendants are, the first of them there, and how many they are."""
    level, above = divmod(node[0], TILE_HEIGHT)
    number, first = divmod(node[1] << above, TILE_WIDTH)
    return (level, number), first, 1 << above


def _node_hash(tiles: Tiles, node: Node) -> bytes:
    tile, first, count = _place(node)
    hashes = tiles[tile][first * HASH_BYTES : (first + count) * HASH_BYTES]
    if len(hashes) != count * HASH_BYTES:
        raise KeyError(tile)
    return _perfect(hashes)


def _perfect(hashes: bytes) -> bytes:
    """The hash of a perfect subtree from the hashes of its leaves, run together."""
    pair = 2 * HASH_BYTES
    while len(hashes) > HASH_BYTES:
        hashes = b"".join(sha256(b"\1" + hashes[at : at + pair]).digest() for at in range(0, len(hashes), pair))
    return hashes
