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
from storage_element.services.inspect import inspect
from tests.durability.ledger import Told, Version
from tests.durability.world import Tree

LOST = "lost"
HALF_VISIBLE = "half_visible"
KEPT_IN = (f"{layout.FILES}/", f"{layout.STAGING}/")


@dataclass(frozen=True)
class Wrong:
    """A promise that was not kept."""

    kind: str
    detail: str


def judge(tree: Tree, told: Mapping[UUID, Told]) -> list[Wrong]:
    """Everything that is wrong with what lies on a recovered element."""
    documents = _documents(tree)
    wrong = [each for file_id, known in told.items() for each in _kept(known, documents.get(file_id), file_id)]
    wrong += [Wrong(HALF_VISIBLE, f"{each} was never stored") for each in documents.keys() - told.keys()]
    return wrong + _whole(tree, documents)


def seen_by_the_command(root: Path) -> list[Wrong]:
    """What `artstore-element check` finds."""
    found = inspect(root, hashing=True, progress=lambda _: None).findings
    findings = [each for each in found if each.kind is not Kind.UNCLAIMED_CONTENT]
    return [Wrong(HALF_VISIBLE, f"check: {each.kind.value} {each.path} {each.detail}") for each in findings]


@lru_cache(10_000)
def _parsed(data: bytes) -> FileAttributes:
    """The same documents lie in thousands of states."""
    return FileAttributes.model_validate_json(data)


@lru_cache(10_000)
def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_id = lru_cache(10_000)(UUID)


def _documents(tree: Tree) -> dict[UUID, bytes]:
    suffix = layout.ATTRIBUTES_SUFFIX
    return {
        _id(path.rpartition("/")[2].removesuffix(suffix)): content
        for path, content in tree.items()
        if path.startswith(f"{layout.FILES}/") and path.endswith(suffix) and content is not None
    }


def _kept(told: Told, data: bytes | None, file_id: UUID) -> list[Wrong]:
    found = None if data is None else Version.of(_parsed(data))
    if found not in told.allowed:
        return [Wrong(LOST, f"{file_id}: {found} is there, and not {told.allowed}")]
    if data is not None and found == told.promised and data.decode() != told.answered:
        return [Wrong(LOST, f"{file_id}: other attributes than those answered: {data!r}, {told.answered}")]
    return []


def _whole(tree: Tree, documents: Mapping[UUID, bytes]) -> list[Wrong]:
    """Every document has its content, and nothing else lies there."""
    expected: set[str] = set()
    wrong: list[Wrong] = []
    for file_id, data in documents.items():
        file = _parsed(data)
        path = layout.content_path(file_id, file.content.version)
        expected |= {path, layout.attributes_path(file_id)}
        content = tree.get(path)
        if content is None or _sha256(content) != file.content.stored_sha256:
            wrong.append(Wrong(HALF_VISIBLE, f"{path}: {'missing' if content is None else 'other content'}"))
        if len(data) > ATTRIBUTES_LIMIT_BYTES:
            wrong.append(Wrong(HALF_VISIBLE, f"{file_id}: attributes of {len(data)} bytes"))
    left = [path for path in tree if tree[path] is not None and path.startswith(KEPT_IN) and path not in expected]
    return [
        *wrong,
        *(Wrong(HALF_VISIBLE, f"{each} belongs to nothing") for each in left if not _is_replaced(each, documents)),
    ]


def _is_replaced(path: str, documents: Mapping[UUID, bytes]) -> bool:
    """An older content of a document: a restart does not know of its grace, and leaves it."""
    found = named(path.rpartition("/")[2])
    data = documents.get(found.file_id) if found else None
    return bool(data and found and found.version and found.version < _parsed(data).content.version)
