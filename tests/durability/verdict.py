"""Compares what lies on an element after its recovery with what was promised."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from artstore_kit.contracts.files import ATTRIBUTES_LIMIT_BYTES, FileAttributes
from storage_element.domain import layout
from storage_element.domain.judgement import Kind, named
from storage_element.domain.superblock import Superblock
from storage_element.domain.uploads import UploadSession
from storage_element.services.inspect import inspect
from tests.durability.ledger import OF_THE_MODE, UPLOAD, Told, Version
from tests.durability.shelf import read_tree
from tests.durability.world import Tree

LOST = "lost"
HALF_VISIBLE = "half_visible"
HARMED = b"harmed behind the element's back"
"""Where this lies instead of a content, damage was done on purpose: it may be put aside, and must not be gone."""
KEPT_IN = (f"{layout.FILES}/", f"{layout.STAGING}/")


@dataclass(frozen=True)
class Wrong:
    """A promise that was not kept."""

    kind: str
    detail: str


def judge(tree: Tree, told: Mapping[UUID, Told], uploads: Mapping[UUID, Version] | None = None) -> list[Wrong]:
    """Everything that is wrong with what lies on a recovered element. `uploads` are those that can be gone on with,
    where `tree` does not hold them."""
    documents = _documents(tree)
    uploads = _uploads(tree) if uploads is None else uploads
    wrong = [each for file_id, known in told.items() for each in _kept(known, documents.get(file_id), file_id)]
    wrong += [
        Wrong(LOST, f"upload {upload_id}: {uploads.get(upload_id)} is there, and not {known.allowed}")
        for upload_id, known in told.items()
        if known.is_upload and uploads.get(upload_id) not in known.allowed
    ]
    wrong += _turned(tree, told.get(OF_THE_MODE))
    wrong += [Wrong(HALF_VISIBLE, f"{each} was never stored") for each in documents.keys() - told.keys()]
    return wrong + _whole(tree, documents)


def seen_by_the_command(root: Path) -> list[Wrong]:
    """What `artstore-element check` finds."""
    found = inspect(root, hashing=True, progress=lambda _: None).findings
    harmed = HARMED in read_tree(root).values()
    expected = {Kind.UNCLAIMED_CONTENT, *((Kind.CONTENT_CORRUPT, Kind.CONTENT_MISSING) if harmed else ())}
    findings = [each for each in found if each.kind not in expected]
    return [Wrong(HALF_VISIBLE, f"check: {each.kind.value} {each.path} {each.detail}") for each in findings]


@lru_cache(10_000)
def _parsed(data: bytes) -> FileAttributes:
    """The same documents lie in thousands of states."""
    return FileAttributes.model_validate_json(data)


@lru_cache(10_000)
def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_id = lru_cache(10_000)(UUID)


def half_visible(tree: Tree) -> list[Wrong]:
    """Documents of which a reader would not find all. An element at work may have begun what nobody sees yet."""
    return _incomplete(tree, _documents(tree))[0]


def _turned(tree: Tree, told: Told | None) -> list[Wrong]:
    block = Superblock.model_validate_json(tree[layout.SUPERBLOCK] or b"")
    if told is None or any(version and version.description == block.mode.value for version in told.allowed):
        return []
    return [Wrong(LOST, f"the mode is {block.mode.value}, and not {told.allowed}")]


def _documents(tree: Tree) -> dict[UUID, bytes]:
    suffix = layout.ATTRIBUTES_SUFFIX
    return {
        _id(path.rpartition("/")[2].removesuffix(suffix)): content
        for path, content in tree.items()
        if path.startswith(f"{layout.FILES}/") and path.endswith(suffix) and content is not None
    }


def _uploads(tree: Tree) -> dict[UUID, Version]:
    """Those that can be gone on with: what is known of them, and the content so far."""
    found: dict[UUID, Version] = {}
    for path, state in tree.items():
        if path.startswith(f"{layout.STAGING}/") and path.endswith(layout.SESSION_SUFFIX) and state is not None:
            session = UploadSession.model_validate_json(state)
            content = tree.get(path.removesuffix(layout.SESSION_SUFFIX)) or b""
            found[session.upload_id] = Version(_sha256(content[: session.offset]), session.offset, UPLOAD)
    return found


def _kept(told: Told, data: bytes | None, file_id: UUID) -> list[Wrong]:
    if told.is_upload or file_id == OF_THE_MODE:
        return []
    try:
        found = None if data is None else Version.of(_parsed(data))
    except ValueError:
        return []  # told as half visible
    if found not in told.allowed:
        return [Wrong(LOST, f"{file_id}: {found} is there, and not {told.allowed}")]
    if data is not None and found == told.promised and data.decode() != told.answered:
        return [Wrong(LOST, f"{file_id}: other attributes than those answered: {data!r}, {told.answered}")]
    return []


def _incomplete(tree: Tree, documents: Mapping[UUID, bytes]) -> tuple[list[Wrong], set[str]]:
    """What is wrong with documents, and all paths that they have."""
    paths: set[str] = set()
    wrong: list[Wrong] = []
    for file_id, data in documents.items():
        try:
            file = _parsed(data)
        except ValueError:
            wrong.append(Wrong(HALF_VISIBLE, f"{file_id}: attributes that cannot be read"))
            continue
        path = layout.content_path(file_id, file.content.version)
        paths |= {path, layout.attributes_path(file_id)}
        content = tree.get(path) or _put_aside(tree, path)
        if content is None or _sha256(content) not in {file.content.stored_sha256, _sha256(HARMED)}:
            wrong.append(Wrong(HALF_VISIBLE, f"{path}: {'missing' if content is None else 'other content'}"))
        if len(data) > ATTRIBUTES_LIMIT_BYTES:
            wrong.append(Wrong(HALF_VISIBLE, f"{file_id}: attributes of {len(data)} bytes"))
    return wrong, paths


def _put_aside(tree: Tree, path: str) -> bytes | None:
    """What was found damaged lies in quarantine, byte for byte."""
    beside = f"{layout.QUARANTINE}/{path.rpartition('/')[2]}."
    found = (tree[each] for each in tree if each.startswith(beside) and not each.endswith(layout.REASON_SUFFIX))
    return next(found, tree.get(path))


def _whole(tree: Tree, documents: Mapping[UUID, bytes]) -> list[Wrong]:
    """Every document has its content, and nothing else lies there."""
    wrong, expected = _incomplete(tree, documents)
    left = [path for path in tree if tree[path] is not None and path.startswith(KEPT_IN) and path not in expected]
    left = [path for path in left if not _is_replaced(path, documents) and not _is_of_an_upload(path, tree)]
    return wrong + [Wrong(HALF_VISIBLE, f"{path} belongs to nothing") for path in left]


def _is_of_an_upload(path: str, tree: Tree) -> bool:
    """Both parts of an upload are there."""
    content = path.removesuffix(layout.SESSION_SUFFIX)
    return path.startswith(layout.STAGING) and content in tree and f"{content}{layout.SESSION_SUFFIX}" in tree


def _is_replaced(path: str, documents: Mapping[UUID, bytes]) -> bool:
    """An older content of a document: a restart does not know of its grace, and leaves it."""
    found = named(path.rpartition("/")[2])
    data = documents.get(found.file_id) if found else None
    return bool(data and found and found.version and found.version < _parsed(data).content.version)
