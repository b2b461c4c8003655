"""Jobs against ArtStore's own routes, which the naive peers have too, and against those of the bare peers."""

import json

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from bench.bed import Bed
from bench.jobs import FILE_ID, Fetch, Store, StoredFile, StoreMany

ELEMENT = "edit-1"
INGESTER_ACCOUNT = "ingester-module"
API = "/api/v1/files"


def described(bed: Bed) -> dict[str, str]:
    """The headers of an upload: who, and what is said of the file."""
    return {**bed.headers(), ATTRIBUTES_HEADER: json.dumps({"name": f"{FILE_ID}.bin", "tags": ["bench"]})}


def to_ingester(bed: Bed, size_bytes: int, port: int | None = None) -> Store:
    """Through the ingester, ArtStore's or the one at `port`."""
    return Store(
        port=port or bed.port("ingester"),
        method="POST",
        path=API,
        headers=described(bed),
        size_bytes=size_bytes,
        checked=True,
    )


def to_element(bed: Bed, size_bytes: int, port: int | None = None) -> Store:
    """Straight to the element, ArtStore's or the one at `port`."""
    return Store(
        port=port or bed.port(ELEMENT),
        method="PUT",
        path=f"{API}/{FILE_ID}",
        headers=described(bed),
        size_bytes=size_bytes,
        checked=True,
    )


def many_to_element(bed: Bed, size_bytes: int, first_ms: int, apart_ms: int) -> StoreMany:
    """As many as go into one request, as the ingester sends them; their ids tell of moments from `first_ms` on."""
    headers = bed.headers(INGESTER_ACCOUNT)
    return StoreMany(
        port=bed.port(ELEMENT), headers=headers, path=API, size_bytes=size_bytes, first_ms=first_ms, apart_ms=apart_ms
    )


def discarded(port: int, size_bytes: int) -> Store:
    """To a peer that asks for nothing."""
    return Store(port=port, method="PUT", path=f"/{FILE_ID}.bin", size_bytes=size_bytes)


def to_hasher(bed: Bed, port: int, size_bytes: int) -> Store:
    """To a bare peer that only hashes; the request is the one that an element gets."""
    return to_element(bed, size_bytes, port).model_copy(update={"path": f"/hashed/{FILE_ID}"})


def from_part(bed: Bed, part: str, files: list[StoredFile], size_bytes: int, *, hashed: bool = False) -> Fetch:
    """Downloads from the query module (the whole path) or from the element."""
    return Fetch(
        port=bed.port(part),
        headers=bed.headers(),
        paths=[f"{API}/{file.file_id}/content" for file in files],
        size_bytes=size_bytes,
        sha256=[file.sha256 for file in files] if hashed else None,
    )


def plain(port: int, path: str, size_bytes: int) -> Fetch:
    """From a peer that asks for nothing."""
    return Fetch(port=port, paths=[path], size_bytes=size_bytes)
