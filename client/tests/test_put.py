"""Documents going in: as they are, once, and never wrongly."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from artstore import ArtStore, sources
from artstore.digest import announcement, hex_of
from artstore_kit.contracts.errors import (
    DependencyUnavailable,
    DigestMismatch,
    IdempotencyUnavailable,
    InvalidAttributes,
    NoElementAvailable,
    StorageFull,
)
from client.tests.stand_in import Fleet

UPLOADS = ("POST", "/files")


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_a_path_keeps_its_name_bytes_and_attributes(store: ArtStore, fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "Отчёт за 2026 год.pdf"
    path.write_bytes(os.urandom(3_000_001))
    stored = await store.put(path, collection="hr/2026", description="годовой", tags=["отчёт"], metadata={"pages": 3})
    assert fleet.contents[stored.file_id] == path.read_bytes()
    assert (stored.content.name, stored.content.media_type) == (path.name, "application/pdf")
    assert (stored.collection, stored.description, stored.tags) == ("hr/2026", "годовой", ["отчёт"])
    assert stored.metadata == {"pages": 3}
    assert stored.retention.kind == "temporary"


async def test_the_digest_of_a_file_and_of_bytes_is_announced(store: ArtStore, fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")
    await store.put(path)
    await store.put(b"two", name="b.txt")
    announced = [seen.headers["Repr-Digest"] for seen in fleet.requests(*UPLOADS)]
    assert announced == [announcement(hex_of(b"one")), announcement(hex_of(b"two"))]


async def test_empty_content_is_content(store: ArtStore, fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    from_path = await store.put(tmp_path / "empty")
    from_bytes = await store.put(b"", name="empty")
    from_stream = await store.put(pieces(), name="empty")
    assert [fleet.contents[file.file_id] for file in (from_path, from_bytes, from_stream)] == [b""] * 3


async def test_a_stream_is_sent_as_it_is_made(store: ArtStore, fleet: Fleet) -> None:
    stored = await store.put(pieces(b"made ", b"", b"on the way"), name="made.txt")
    assert fleet.contents[stored.file_id] == b"made on the way"
    (upload,) = fleet.requests(*UPLOADS)
    assert "Repr-Digest" not in upload.headers
    assert upload.headers["Transfer-Encoding"] == "chunked"


async def test_progress_reaches_the_whole(store: ArtStore) -> None:
    told: list[tuple[int, int | None]] = []
    await store.put(bytes(2_500_000), name="a", on_progress=lambda sent, total: told.append((sent, total)))
    assert told == [(1 << 20, 2_500_000), (2 << 20, 2_500_000), (2_500_000, 2_500_000)]


async def test_a_retention_called_permanent_is_permanent(store: ArtStore) -> None:
    stored = await store.put(b"x", name="deed.txt", retention="permanent")
    assert (stored.retention.policy, stored.retention.kind) == ("permanent", "permanent")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.tar.gz", "application/gzip"), ("a.md", "text/markdown"), ("a.no-such", "application/octet-stream")],
)
async def test_the_media_type_is_guessed(store: ArtStore, name: str, media_type: str) -> None:
    assert (await store.put(b"x", name=name)).content.media_type == media_type


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_passing_failure_is_tried_again_with_the_same_key(store: ArtStore, fleet: Fleet, status: int) -> None:
    fleet.fail(*UPLOADS, status=status, times=2)
    stored = await store.put(b"once", name="once.txt")
    uploads = fleet.requests(*UPLOADS)
    assert len(uploads) == 3
    assert len({upload.headers["Idempotency-Key"] for upload in uploads}) == 1
    assert list(fleet.files) == [stored.file_id]


async def test_a_lost_answer_makes_no_second_file(store: ArtStore, fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(2_000_000))
    fleet.fail(*UPLOADS, lose_answer=True)
    stored = await store.put(path)
    assert len(fleet.requests(*UPLOADS)) == 2
    assert list(fleet.files) == [stored.file_id]


async def test_two_puts_are_two_documents_unless_their_key_is_one(store: ArtStore, fleet: Fleet) -> None:
    first, second = [await store.put(b"x", name="x") for _ in range(2)]
    assert first.file_id != second.file_id
    again = [await store.put(b"y", name="y", idempotency_key="mine") for _ in range(2)]
    assert again[0] == again[1]
    assert len(fleet.files) == 3


async def test_without_a_memory_for_keys_a_document_is_sent_once_without_one(store: ArtStore, fleet: Fleet) -> None:
    body = b'{"type":"t","title":"t","status":503,"detail":"d","code":"idempotency_unavailable","request_id":"r"}'
    fleet.fail(*UPLOADS, status=503, body=body)
    await store.put(b"x", name="x")
    assert ["Idempotency-Key" in request.headers for request in fleet.requests(*UPLOADS)] == [True, False]


async def test_the_callers_own_key_is_never_dropped(store: ArtStore, fleet: Fleet) -> None:
    body = b'{"type":"t","title":"t","status":503,"detail":"d","code":"idempotency_unavailable","request_id":"r"}'
    fleet.fail(*UPLOADS, status=503, body=body)
    with pytest.raises(IdempotencyUnavailable):
        await store.put(b"x", name="x", idempotency_key="mine")
    assert len(fleet.requests(*UPLOADS)) == 1


async def test_an_upload_still_being_carried_out_is_asked_for_again(store: ArtStore, fleet: Fleet) -> None:
    body = b'{"type":"t","title":"t","status":409,"detail":"d","code":"idempotency_in_progress","request_id":"r"}'
    fleet.fail(*UPLOADS, status=409, body=body)
    await store.put(b"x", name="x")
    assert len(fleet.requests(*UPLOADS)) == 2


async def test_it_gives_up_after_some_attempts_with_the_last_error(store: ArtStore, fleet: Fleet) -> None:
    body = b'{"type":"t","title":"t","status":503,"detail":"no room","code":"no_element_available","request_id":"r"}'
    fleet.fail(*UPLOADS, status=503, body=body, times=100)
    with pytest.raises(NoElementAvailable, match="no room") as refused:
        await store.put(b"x", name="x")
    assert len(fleet.requests(*UPLOADS)) == 5
    assert refused.value.headers["X-Request-ID"] == "r"


async def test_retry_after_is_honoured_but_not_for_ever(store: ArtStore, fleet: Fleet) -> None:
    fleet.fail(*UPLOADS, status=503, headers={"Retry-After": "1"})
    await store.put(b"x", name="x")
    fleet.fail(*UPLOADS, status=503, headers={"Retry-After": "3600"})
    with pytest.raises(DependencyUnavailable):
        await store.put(b"x", name="x")
    assert len(fleet.requests(*UPLOADS)) == 3


async def test_what_will_not_pass_is_not_tried_again(store: ArtStore, fleet: Fleet) -> None:
    body = b'{"type":"t","title":"t","status":507,"detail":"d","code":"storage_full","request_id":"r"}'
    fleet.fail(*UPLOADS, status=507, body=body)
    with pytest.raises(StorageFull):
        await store.put(b"x", name="x")
    assert len(fleet.requests(*UPLOADS)) == 1


async def test_a_stream_is_sent_again_only_if_nothing_was_taken_from_it(store: ArtStore, fleet: Fleet) -> None:
    fleet.fail(*UPLOADS, lose_answer=True)
    with pytest.raises(DependencyUnavailable):
        await store.put(pieces(b"a", b"b"), name="x")
    assert len(fleet.requests(*UPLOADS)) == 1


async def test_a_file_altered_on_its_way_is_not_stored(store: ArtStore, fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"right")
    fleet.fail(*UPLOADS, alter=True)
    with pytest.raises(DigestMismatch):
        await store.put(tmp_path / "a")
    assert not fleet.files


async def test_a_stream_altered_on_its_way_is_told(store: ArtStore, fleet: Fleet) -> None:
    fleet.fail(*UPLOADS, alter=True)
    with pytest.raises(DigestMismatch, match="another sha-256"):
        await store.put(pieces(b"right"), name="x")


async def test_a_large_file_is_read_once_and_compared(
    store: ArtStore, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "HASHED_FIRST_BYTES", 100)
    path = tmp_path / "large"
    path.write_bytes(os.urandom(5_000_000))
    fleet.fail(*UPLOADS, status=503)
    stored = await store.put(path)
    assert stored.content.sha256 == hex_of(path.read_bytes())
    assert all("Repr-Digest" not in upload.headers for upload in fleet.requests(*UPLOADS))
    fleet.fail(*UPLOADS, alter=True)
    with pytest.raises(DigestMismatch, match="another sha-256"):
        await store.put(path)


@pytest.mark.parametrize("grow", [True, False])
async def test_a_file_that_changes_while_it_is_sent_is_not_stored(
    store: ArtStore, fleet: Fleet, tmp_path: Path, grow: bool
) -> None:
    path = tmp_path / "changing"
    path.write_bytes(bytes(4_000_000))

    def change(sent: int, _: int | None) -> None:
        if sent == 1 << 20:
            with path.open("r+b") as file:
                file.truncate(4_000_001 if grow else 2_000_000)

    with pytest.raises(DigestMismatch, match="changed while it was being sent"):
        await store.put(path, on_progress=change)
    assert not fleet.files
    assert len(fleet.requests(*UPLOADS)) == 1


async def test_what_a_source_raises_arrives_as_it_is(store: ArtStore, fleet: Fleet) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.put(broken(), name="x")
    assert not fleet.files


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\nb", "x" * 1001, "a\udcffb"])
async def test_a_name_that_the_fleet_would_refuse_is_refused_here(store: ArtStore, fleet: Fleet, name: str) -> None:
    with pytest.raises(InvalidAttributes, match="name"):
        await store.put(b"x", name=name)
    assert not fleet.requests(*UPLOADS)


async def test_emoji_and_marks_of_direction_pass(store: ArtStore) -> None:
    name = "план \u202e📄\u200f.txt"
    assert (await store.put(b"x", name=name)).content.name == name


async def test_a_folder_and_a_missing_file_are_no_files(store: ArtStore, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        await store.put(tmp_path)
    with pytest.raises(FileNotFoundError):
        await store.put(tmp_path / "missing")
