"""Content comes back whole, in ranges, only when it is news, and to the disk; and does no harm in a browser."""

from pathlib import Path

import httpx
import pytest

from artstore import ArtStore
from artstore_kit.digests import format_sha256
from tests.fleet.documents import MIB, Document
from tests.fleet.wire import Wire


@pytest.fixture
async def large(store: ArtStore) -> tuple[str, Document]:
    """The path of a document's content, and the document."""
    document = Document.of_size(5 * MIB)
    stored = await document.put(store)
    return f"/files/{stored.file_id}/content", document


@pytest.mark.parametrize(
    ("asked", "status", "first", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-65636", 206, 100, 65637),
        ("bytes=-10", 206, 5 * MIB - 10, 5 * MIB),
        ("bytes=5242870-", 206, 5242870, 5 * MIB),
        ("bytes=5242870-99999999", 206, 5242870, 5 * MIB),
        ("lines=1-2", 200, 0, 5 * MIB),
    ],
)
async def test_a_range_is_served(
    wire: Wire, large: tuple[str, Document], asked: str, status: int, first: int, end: int
) -> None:
    path, document = large

    answer = await wire.ask("GET", "query", path, headers={"Range": asked})

    assert answer.status_code == status
    assert answer.content == document.content[first:end]
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/{5 * MIB}"


async def test_head_tells_what_get_would_bring(wire: Wire, large: tuple[str, Document]) -> None:
    path, document = large

    head = await wire.ask("HEAD", "query", path)
    whole = await wire.ask("GET", "query", path)

    assert whole.content == document.content
    assert head.content == b""
    for name in ("Content-Length", "ETag", "Repr-Digest", "Content-Type", "Content-Disposition", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name]
    assert head.headers["ETag"] == f'"{document.sha256}"'
    assert head.headers["Repr-Digest"] == format_sha256(bytes.fromhex(document.sha256))
    assert _is_harmless(whole)


async def test_what_is_known_already_is_not_sent_again(wire: Wire, large: tuple[str, Document]) -> None:
    path, document = large
    etag = f'"{document.sha256}"'

    known = await wire.ask("GET", "query", path, headers={"If-None-Match": etag})
    other = await wire.ask("GET", "query", path, headers={"If-None-Match": '"other"'})
    same_still = await wire.ask("GET", "query", path, headers={"Range": "bytes=0-9", "If-Range": etag})
    changed = await wire.ask("GET", "query", path, headers={"Range": "bytes=0-9", "If-Range": '"other"'})

    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", etag)
    assert (other.status_code, same_still.status_code, changed.status_code) == (200, 206, 200)


async def test_a_document_is_downloaded_to_the_disk(store: ArtStore, tmp_path: Path) -> None:
    document = Document.of_size(5 * MIB)
    stored = await document.put(store)

    path = await store.get(stored.file_id, tmp_path / "copy.bin")

    assert path.read_bytes() == document.content
    assert not path.with_name("copy.bin.part").exists()


def _is_harmless(answer: httpx.Response) -> bool:
    """Whether a browser would neither show nor run it."""
    headers = answer.headers
    return (
        headers["Content-Disposition"].startswith("attachment")
        and headers["X-Content-Type-Options"] == "nosniff"
        and headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    )
