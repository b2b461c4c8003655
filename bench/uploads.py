"""Jobs against ArtStore's own routes; the naive peers have the same ones."""

import json

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from bench.bed import Bed
from bench.jobs import FILE_ID, Fetch, Store, StoredFile

ELEMENT = "edit-1"
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


def from_part(bed: Bed, part: str, files: list[StoredFile], size_bytes: int, *, hashed: bool = False) -> Fetch:
    """Downloads from the query module (the whole path) or from the element."""
    return Fetch(
        port=bed.port(part),
        headers=bed.headers(),
        paths=[f"{API}/{file.file_id}/content" for file in files],
        size_bytes=size_bytes,
        sha256=[file.sha256 for file in files] if hashed else None,
    )
