"""Records become plain files; doing it again, from wherever a crash left it, ends in the same place."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fences import taken_over

from artstore_kit.contracts.errors import FileUnknown
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.documents import document
from storage_element.adapters.local.disk import make_directories
from storage_element.adapters.local.files import LocalFiles
from storage_element.domain import layout
from storage_element.domain.records import NO_STAGING, Kind, Record
from storage_element.domain.storage import ContentMissing

type Tree = dict[str, bytes]


@pytest.fixture
def files(root: Path) -> Iterator[LocalFiles]:
    make_directories(root / layout.FILES)
    files = LocalFiles(root, taken_over(root))
    yield files
    files.close()


def tree(root: Path) -> Tree:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def record(lsn: int, kind: Kind, file: FileAttributes, content: bytes = b"", staging: UUID = NO_STAGING) -> Record:
    return Record(lsn, 1, kind, file.file_id, file.to_json(), content, staging)


def staged(files: LocalFiles, content: bytes) -> UUID:
    name = uuid4()
    files.staged(name).write_bytes(content)
    return name


def test_small_content_comes_from_the_record(files: LocalFiles, root: Path) -> None:
    file = document()
    for _ in range(2):
        files.place(record(1, Kind.CREATE_INLINE, file, b"content"))
        assert tree(root) == {
            layout.content_path(file.file_id, 1): b"content",
            layout.attributes_path(file.file_id): file.to_json(),
        }


def test_large_content_moves_out_of_staging(files: LocalFiles, root: Path) -> None:
    file = document()
    create = record(1, Kind.CREATE_STAGED, file, staging=staged(files, b"content"))
    for _ in range(2):
        files.place(create)
        assert tree(root) == {
            layout.content_path(file.file_id, 1): b"content",
            layout.attributes_path(file.file_id): file.to_json(),
        }


def test_staged_content_that_is_nowhere_is_told(files: LocalFiles, root: Path) -> None:
    file = document()
    with pytest.raises(ContentMissing, match=str(file.file_id)):
        files.place(record(1, Kind.CREATE_STAGED, file, staging=uuid4()))
    assert tree(root) == {}


def test_a_change_replaces_the_attributes_alone(files: LocalFiles, root: Path) -> None:
    file = document()
    files.place(record(1, Kind.CREATE_INLINE, file, b"content"))
    changed = file.model_copy(update={"tags": ["new"], "revision": 2})
    for _ in range(2):
        files.place(record(2, Kind.CHANGE, changed))
        assert tree(root) == {
            layout.content_path(file.file_id, 1): b"content",
            layout.attributes_path(file.file_id): changed.to_json(),
        }


def test_a_removal_takes_attributes_and_content(files: LocalFiles, root: Path) -> None:
    file = document()
    files.place(record(1, Kind.CREATE_INLINE, file, b"content"))
    for _ in range(2):
        files.place(record(2, Kind.REMOVE, file))
        assert tree(root) == {}
        assert not files.has(file.file_id)


@pytest.fixture
def history(files: LocalFiles) -> list[Record]:
    """Every kind of record, in every order that can happen to a file."""
    small, large, gone, gone_large = (document(number=number) for number in range(4))
    first = staged(files, b"large")
    second = staged(files, b"large and gone")
    return [
        record(1, Kind.CREATE_INLINE, small, b"small"),
        record(2, Kind.CREATE_STAGED, large, staging=first),
        record(3, Kind.CHANGE, small.model_copy(update={"revision": 2})),
        record(4, Kind.CREATE_INLINE, gone, b"gone"),
        record(5, Kind.CREATE_STAGED, gone_large, staging=second),
        record(6, Kind.REMOVE, gone),
        record(7, Kind.CHANGE, large.model_copy(update={"revision": 2})),
        record(8, Kind.CHANGE, gone_large.model_copy(update={"revision": 2})),
        record(9, Kind.REMOVE, gone_large),
        record(10, Kind.CHANGE, small.model_copy(update={"revision": 3})),
    ]


def replay(files: LocalFiles, history: list[Record], until: int | None = None) -> None:
    """As recovery does it: content that a later record removed need not be there."""
    removed = {record.file_id for record in history if record.kind is Kind.REMOVE}
    for each in history[:until]:
        try:
            files.place(each)
        except ContentMissing:
            assert each.file_id in removed


@pytest.mark.parametrize("crashes_after", range(11))
def test_every_prefix_may_be_replayed_from_the_beginning(
    files: LocalFiles, root: Path, history: list[Record], crashes_after: int
) -> None:
    replay(files, history, crashes_after)
    for again in range(crashes_after + 1):
        replay(files, history, again)
    replay(files, history)
    small, large = history[0].file_id, history[1].file_id
    assert tree(root) == {
        layout.content_path(small, 1): b"small",
        layout.attributes_path(small): history[9].attributes,
        layout.content_path(large, 1): b"large",
        layout.attributes_path(large): history[6].attributes,
    }


def test_half_written_content_is_written_again(files: LocalFiles, root: Path) -> None:
    file = document()
    create = record(1, Kind.CREATE_INLINE, file, b"content")
    files.place(create)
    (root / layout.content_path(file.file_id, 1)).write_bytes(b"content and more")
    (root / layout.attributes_path(file.file_id)).write_bytes(b"")
    files.place(create)
    assert tree(root) == {
        layout.content_path(file.file_id, 1): b"content",
        layout.attributes_path(file.file_id): file.to_json(),
    }


def test_what_no_record_names_is_cleared_from_staging(files: LocalFiles, root: Path) -> None:
    for _ in range(3):
        staged(files, b"left behind")
    assert files.clear_staging() == 3
    assert files.clear_staging() == 0
    assert tree(root) == {}


def test_attributes_are_read_by_id_and_all_at_once(files: LocalFiles, root: Path) -> None:
    documents = [document(number=number) for number in (600, 5, 5, 100_000)]
    for lsn, file in enumerate(documents, 1):
        files.place(record(lsn, Kind.CREATE_INLINE, file))
    assert files.read_attributes(documents[0].file_id) == documents[0].to_json()
    assert sorted(data for _, data in files.all_attributes()) == sorted(file.to_json() for file in documents)
    path = root / layout.attributes_path(documents[0].file_id)
    path.write_bytes(bytes(40_000))  # whoever reads it judges its length
    assert sorted(len(data) for _, data in files.all_attributes())[-1] == 40_000
    with pytest.raises(FileUnknown):
        files.read_attributes(new_file_id())
    with pytest.raises(FileNotFoundError):
        files.open_content(new_file_id(), 1)


def test_ids_from_all_over_time_cost_no_memory(files: LocalFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage_element.adapters.local.files.KNOWN_DIRECTORIES", 3)
    documents = [document(number=number) for number in range(10)]
    for lsn, file in enumerate(documents, 1):
        files.place(record(lsn, Kind.CREATE_INLINE, file))
    assert len(files._known_directories) <= 3
    assert all(files.has(file.file_id) for file in documents)


def test_the_room_is_that_of_the_file_system(small_disk: Path) -> None:
    files = LocalFiles(small_disk, taken_over(small_disk))
    before = files.room()
    (small_disk / "filler").write_bytes(bytes(600 * 1024))
    after = files.room()
    files.close()
    assert before.total_bytes == after.total_bytes == 2**20
    assert before.free_bytes - after.free_bytes == 600 * 1024
    assert before.free_inodes is not None
    assert after.free_inodes == before.free_inodes - 1
