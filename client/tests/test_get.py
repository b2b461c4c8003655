"""Documents coming out: bit for bit, resumed after a cut, and never half under their name."""

import os
from pathlib import Path

import pytest

from artstore import ArtStore, ContentStream, FileAttributes
from artstore.partial import etag_path, part_path, partial_file
from artstore_kit.contracts.errors import DependencyUnavailable, DigestMismatch, FileUnknown, RevisionMismatch
from artstore_kit.contracts.ids import new_file_id
from client.tests.stand_in import Fleet, Seen

CONTENT = os.urandom(5_000_000)
DOWNLOADS = ("GET", "/content")


@pytest.fixture
async def file(store: ArtStore) -> FileAttributes:
    return await store.put(CONTENT, name="a.bin")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ranges(fleet: Fleet) -> list[str | None]:
    return [seen.headers.get("Range") for seen in fleet.requests(*DOWNLOADS)]


async def cut_for_good(store: ArtStore, fleet: Fleet, file: FileAttributes, path: Path) -> None:
    """Leave a part behind: the connection is cut at the third megabyte, and the fleet stays down."""
    fleet.fail(*DOWNLOADS, cut_after_bytes=3_000_000)
    fleet.fail(*DOWNLOADS, status=503, times=5)
    with pytest.raises(DependencyUnavailable):
        await store.get(file.file_id, path)


async def test_a_download_is_what_was_uploaded(store: ArtStore, file: FileAttributes, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    path = await store.get(file.file_id, tmp_path / "b.bin", on_progress=lambda *at: told.append(at))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert names(tmp_path) == ["b.bin"]


async def test_an_empty_file_is_downloaded(store: ArtStore, tmp_path: Path) -> None:
    file = await store.put(b"", name="empty")
    await store.get(str(file.file_id), str(tmp_path / "empty"))
    assert (tmp_path / "empty").read_bytes() == b""
    assert names(tmp_path) == ["empty"]


async def test_a_cut_download_goes_on_where_it_was(
    store: ArtStore, fleet: Fleet, file: FileAttributes, tmp_path: Path
) -> None:
    fleet.fail(*DOWNLOADS, cut_after_bytes=1_000_000, times=3)
    assert (await store.get(file.file_id, tmp_path / "b")).read_bytes() == CONTENT
    assert ranges(fleet) == [None, "bytes=1000000-", "bytes=2000000-", "bytes=3000000-"]
    assert {seen.headers["If-Range"] for seen in fleet.requests(*DOWNLOADS)[1:]} == {f'"{file.content.sha256}"'}


async def test_a_download_goes_on_from_what_an_earlier_attempt_left(
    store: ArtStore, fleet: Fleet, file: FileAttributes, tmp_path: Path
) -> None:
    path = tmp_path / "b"
    await cut_for_good(store, fleet, file, path)
    assert names(tmp_path) == ["b.part", "b.part.etag"]
    left = part_path(path).stat().st_size
    assert 0 < left < 3_000_000 + 1
    assert (await store.get(file.file_id, path)).read_bytes() == CONTENT
    assert ranges(fleet)[-1] == f"bytes={left}-"
    assert names(tmp_path) == ["b"]


async def test_a_part_of_another_version_is_not_used(
    store: ArtStore, fleet: Fleet, file: FileAttributes, tmp_path: Path
) -> None:
    path = tmp_path / "b"
    await cut_for_good(store, fleet, file, path)
    fleet.contents[file.file_id] = b"another version" * 300_000
    assert (await store.get(file.file_id, path)).read_bytes() == b"another version" * 300_000
    assert names(tmp_path) == ["b"]


@pytest.mark.parametrize("spoil", ["content", "etag", "longer"])
async def test_a_spoiled_part_costs_a_new_start_and_nothing_else(
    store: ArtStore, fleet: Fleet, file: FileAttributes, tmp_path: Path, spoil: str
) -> None:
    path = tmp_path / "b"
    await cut_for_good(store, fleet, file, path)
    match spoil:
        case "content":
            part_path(path).write_bytes(bytes(part_path(path).stat().st_size))
        case "longer":
            part_path(path).write_bytes(bytes(6_000_000))
        case "etag":
            etag_path(path).unlink()
    assert (await store.get(file.file_id, path)).read_bytes() == CONTENT
    assert names(tmp_path) == ["b"]


async def test_a_part_that_only_lacked_its_name_is_not_fetched_again(
    store: ArtStore, fleet: Fleet, file: FileAttributes, tmp_path: Path
) -> None:
    path = tmp_path / "b"
    part_path(path).write_bytes(CONTENT)
    etag_path(path).write_text(f'"{file.content.sha256}"')
    assert (await store.get(file.file_id, path)).read_bytes() == CONTENT
    assert ranges(fleet) == ["bytes=5000000-"]


async def test_content_replaced_in_the_middle_comes_whole_and_new(
    store: ArtStore, fleet: Fleet, file: FileAttributes, tmp_path: Path
) -> None:
    def replace(at: int, _: int | None) -> None:
        if at <= 2_500_000:
            fleet.contents[file.file_id] = b"new" * 1_000_000

    fleet.fail(*DOWNLOADS, cut_after_bytes=2_500_000)
    path = await store.get(file.file_id, tmp_path / "b", on_progress=replace)
    assert path.read_bytes() == b"new" * 1_000_000


async def test_altered_content_never_gets_its_name(
    store: ArtStore, fleet: Fleet, file: FileAttributes, tmp_path: Path
) -> None:
    (tmp_path / "b").write_bytes(b"what was there before")
    fleet.fail(*DOWNLOADS, alter=True, times=2)
    with pytest.raises(DigestMismatch):
        await store.get(file.file_id, tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"what was there before"
    assert names(tmp_path) == ["b"]


async def test_an_unknown_file_leaves_nothing_behind(store: ArtStore, tmp_path: Path) -> None:
    with pytest.raises(FileUnknown):
        await store.get(new_file_id(), tmp_path / "b")
    assert names(tmp_path) == []


async def test_one_process_at_a_time_writes_a_part(store: ArtStore, file: FileAttributes, tmp_path: Path) -> None:
    path = tmp_path / "b"
    with partial_file(path) as part:
        part.write([b"mine"])
        with pytest.raises(FileExistsError, match="Another process"):
            await store.get(file.file_id, path)
    assert part_path(path).read_bytes() == b"mine"


async def test_a_stream_gives_the_bytes_and_goes_on_after_cuts(
    store: ArtStore, fleet: Fleet, file: FileAttributes
) -> None:
    fleet.fail(*DOWNLOADS, cut_after_bytes=10_000, times=2)
    async with store.open(file.file_id) as stream:
        assert (stream.size_bytes, stream.sha256) == (len(CONTENT), file.content.sha256)
        assert await read(stream) == CONTENT


async def test_a_stream_tells_altered_and_replaced_content(store: ArtStore, fleet: Fleet, file: FileAttributes) -> None:
    fleet.fail(*DOWNLOADS, alter=True)
    async with store.open(file.file_id) as stream:
        with pytest.raises(DigestMismatch):
            await read(stream)
    fleet.fail(*DOWNLOADS, cut_after_bytes=10_000)
    async with store.open(file.file_id) as stream:
        fleet.contents[file.file_id] = b"new"
        with pytest.raises(RevisionMismatch):
            await read(stream)


async def test_a_stream_may_be_left_early(store: ArtStore, file: FileAttributes) -> None:
    async with store.open(file.file_id) as stream:
        async for _ in stream:
            break
    assert (await store.info(file.file_id)).file_id == file.file_id


async def test_bodies_are_asked_for_as_they_are_stored(store: ArtStore, fleet: Fleet, file: FileAttributes) -> None:
    async with store.open(file.file_id) as stream:
        await read(stream)
    seen: Seen = fleet.requests(*DOWNLOADS)[0]
    assert seen.headers["Accept-Encoding"] == "identity"


async def read(stream: ContentStream) -> bytes:
    return b"".join([chunk async for chunk in stream])
