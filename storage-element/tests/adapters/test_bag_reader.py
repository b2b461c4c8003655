"""A bag is judged before anything of it is believed."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import bagit
import pytest

from artstore_kit.contracts.errors import AttributesTooLarge
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.documents import document
from storage_element.adapters.bag_reader import BagReader
from storage_element.adapters.bag_writer import BagWriter
from storage_element.domain import bag_format
from storage_element.domain.bag_format import BadBag

type Step = Callable[[Path], object]

FIRST, SECOND = (document(number=number, content=b"content %d" % number) for number in (1, 2))


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A sound one with two documents."""
    writer = BagWriter(tmp_path / "bag")
    for number, file in enumerate((FIRST, SECOND), 1):
        content = writer.write(bag_format.content_name(file.file_id, 1), [b"content ", b"%d" % number])
        writer.enter([content, writer.write(bag_format.attributes_name(file.file_id), [file.to_json()])])
    writer.finish([])
    writer.close()
    return tmp_path / "bag"


def judge(bag: Path) -> list[FileAttributes]:
    """The documents of a bag that is sound."""
    accepted: dict[UUID, FileAttributes] = {}
    reader = BagReader(bag)
    assert reader.judge(lambda file: accepted.update({file.file_id: file}), lambda _: None) == len(accepted)
    assert list(reader.documents()) == list(accepted.values())
    return list(accepted.values())


def content(bag: Path) -> Path:
    return bag / bag_format.content_name(FIRST.file_id, 1)


def attributes(bag: Path) -> Path:
    return bag / bag_format.attributes_name(FIRST.file_id)


def saved(bag: Path) -> None:
    """With digests that fit what lies there now."""
    bagit.Bag(str(bag)).save(manifests=True)


def drop(bag: Path, *patterns: str) -> None:
    for pattern in patterns:
        for path in bag.glob(pattern):
            path.unlink()


def rewrite(bag: Path, changes: dict[str, object]) -> None:
    """Other attributes, and digests that fit them."""
    given = json.loads(attributes(bag).read_bytes())
    given["content"] |= changes.pop("content", {})
    attributes(bag).write_text(json.dumps(given | changes))
    saved(bag)


def manifest(bag: Path, change: Callable[[list[str]], list[str]], algorithm: str = "sha256") -> None:
    """Other lines in a manifest, which no tag manifest covers any more."""
    drop(bag, "tagmanifest-*")
    path = bag / f"manifest-{algorithm}.txt"
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


def test_a_bag_of_ours_is_sound(bag: Path) -> None:
    assert judge(bag) == [FIRST, SECOND]
    assert b"".join(BagReader(bag).content(SECOND)) == b"content 2"


def test_a_bag_that_others_made_of_the_same_files_is_sound(bag: Path, tmp_path: Path) -> None:
    shutil.move(bag / "data", tmp_path / "other")
    bagit.make_bag(str(tmp_path / "other"), checksums=["md5", "sha512"])
    assert judge(tmp_path / "other") == [FIRST, SECOND]


def test_manifests_may_have_orders_of_their_own(bag: Path) -> None:
    manifest(bag, lambda lines: lines[::-1], "sha512")
    assert judge(bag) == [FIRST, SECOND]
    content(bag).write_bytes(b"c0ntent 1")
    with pytest.raises(BadBag, match=r"is not what manifest-sha256\.txt says"):
        judge(bag)


def test_what_cannot_be_accepted_is_refused_before_anything_is_stored(bag: Path) -> None:
    def accept(file: FileAttributes) -> None:
        raise AttributesTooLarge

    with pytest.raises(AttributesTooLarge):
        BagReader(bag).judge(accept, lambda _: None)


def in_turn(*steps: Step) -> Step:
    """All of them."""

    def do(bag: Path) -> None:
        for step in steps:
            step(bag)

    return do


DAMAGES: list[tuple[Step, str]] = [
    (lambda bag: content(bag).write_bytes(b"c0ntent 1"), r"is not what manifest-sha256\.txt says"),
    (lambda bag: content(bag).unlink(), "Payload-Oxum"),
    (
        in_turn(lambda bag: drop(bag, "bag-info.txt", "tagmanifest-*"), lambda bag: content(bag).unlink()),
        "which is not there",
    ),
    (lambda bag: (bag / "data/Thumbs.db").write_bytes(b"x"), "neither the content nor the attributes"),
    (lambda bag: content(bag).rename(bag / "data" / content(bag).name), "in the place that its id names"),
    (lambda bag: (bag / "bagit.txt").unlink(), r"bagit\.txt is missing"),
    (lambda bag: (bag / "bagit.txt").write_text("BagIt-Version: 2.0\n"), "does not declare"),
    (lambda bag: (bag / "bag-info.txt").write_text("Payload-Oxum: 18.4\n"), r"bag-info\.txt is not what tagmanifest"),
    (lambda bag: (bag / "bag-info.txt").write_bytes(bytes(2_000_000)), "is not what tagmanifest"),
    (lambda bag: (bag / "fetch.txt").write_text(""), r"fetch\.txt"),
    (lambda bag: drop(bag, "manifest-*"), r"neither a manifest-sha256\.txt nor"),
    (lambda bag: manifest(bag, lambda lines: lines[:-1]), r"is not in manifest-sha256\.txt"),
    (lambda bag: manifest(bag, lambda lines: [*lines, lines[0]]), "named before"),
    (lambda bag: manifest(bag, lambda lines: [*lines, "x\n"]), "is not a digest and a path"),
    (lambda bag: manifest(bag, lambda lines: ["0" * 64 + lines[0][64:], *lines[1:]]), "is not what"),
    (lambda bag: rewrite(bag, {"file_id": str(new_file_id())}), "holds the attributes of"),
    (lambda bag: rewrite(bag, {"schema": 2}), "cannot be read"),
    (lambda bag: rewrite(bag, {"content": {"stored_size": 8}}), "not the content that the attributes"),
    (lambda bag: rewrite(bag, {"content": {"stored_sha256": "0" * 64}}), "not the content that the attributes"),
    (lambda bag: rewrite(bag, {"content": {"version": 2}}), "not the content that|is missing"),
    (in_turn(lambda bag: attributes(bag).unlink(), saved), r"attr\.json is missing"),
    (in_turn(lambda bag: content(bag).unlink(), saved), "its content .* is missing"),
    (in_turn(lambda bag: attributes(bag).write_bytes(bytes(2_000_000)), saved), "far too long"),
    (lambda bag: shutil.rmtree(bag / "data"), "cannot be read"),
]


@pytest.mark.parametrize(("damage", "says"), DAMAGES)
def test_a_bag_that_is_not_what_it_says_is_refused(bag: Path, damage: Step, says: str) -> None:
    damage(bag)
    with pytest.raises(BadBag, match=says):
        judge(bag)


def test_one_strong_manifest_is_enough(bag: Path) -> None:
    drop(bag, "tagmanifest-*", "manifest-sha256.txt")
    assert judge(bag) == [FIRST, SECOND]


HOSTILE = [
    "data/../../outside",
    "data/./x",
    "/etc/passwd",
    "../outside",
    "~root/x",
    "data\\..\\outside",
    "C:/outside",
    "data//x",
    "data/%0Ax",
    "data/a\x1bb",
    "bagit.txt",
]


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("kind", ["manifest", "tagmanifest"])
def test_no_path_leads_out_of_the_bag(bag: Path, path: str, kind: str) -> None:
    if (kind, path) == ("tagmanifest", "bagit.txt"):
        assert judge(bag)
        return
    (bag.parent / "outside").write_bytes(b"secret")
    drop(bag, "tagmanifest-*")
    with (bag / f"{kind}-sha256.txt").open("a") as lines:
        lines.write(f"{'0' * 64}  {path}\n")
    with pytest.raises(BadBag) as refused:
        judge(bag)
    assert "is not what" not in str(refused.value)


@pytest.mark.parametrize("linked", [content, attributes, lambda bag: bag / "data", lambda bag: bag / "bag-info.txt"])
def test_no_link_is_followed(bag: Path, linked: Callable[[Path], Path]) -> None:
    path = linked(bag)
    path.rename(bag.parent / "elsewhere")
    path.symlink_to(bag.parent / "elsewhere")
    with pytest.raises(BadBag):
        judge(bag)


def test_nothing_but_plain_files_is_opened(bag: Path) -> None:
    content(bag).unlink()
    os.mkfifo(content(bag))
    drop(bag, "bag-info.txt", "tagmanifest-*")
    with pytest.raises(BadBag, match="no plain file"):
        judge(bag)
