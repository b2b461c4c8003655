"""Reads a bag (RFC 8493), and judges it before anything of it is believed."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from stat import S_ISREG

from artstore_kit.contracts.files import FileAttributes
from storage_element.domain import bag_format
from storage_element.domain.bag_format import BadBag, Part

CHUNK_BYTES = 1024 * 1024
MOST_TAG_BYTES = 1024 * 1024
"""Of bagit.txt, bag-info.txt and attr.json; manifests are read line by line."""
_STRONG = frozenset(bag_format.ALGORITHMS)
_KNOWN = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})


type Accept = Callable[[FileAttributes], None]


class BagReader:
    """A bag of documents, as docs/formats/bag.md has them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._payload: set[Part] = set()
        self._manifests: Sequence[str] = []
        self.payload_bytes = 0
        self.judged_bytes = 0

    def judge(self, accept: Accept, progress: Callable[["BagReader"], None]) -> int:
        """How many documents there are; `BadBag` unless all is there, is what it was, and nothing else is there.

        `accept` is given every document's attributes, once or more, and may refuse them; `progress` is called often.
        """
        bag_format.must_declare(self._text(bag_format.DECLARATION_NAME))
        if os.path.lexists(self._root / bag_format.FETCH_NAME):
            raise BadBag("the bag has a fetch.txt: a part of it lies elsewhere; fetch that first, then remove it")
        self._manifests = self._manifests_of("manifest")
        if not _STRONG & {_algorithm(name) for name in self._manifests}:
            raise BadBag("the bag has neither a manifest-sha256.txt nor a manifest-sha512.txt")
        self._judge_tags()
        self._look_at_payload()
        self._judge_oxum()
        for manifests in self._in_one_order():
            self._judge_payload(manifests, accept, progress)
        return len(self._payload) // 2

    def documents(self) -> Iterator[FileAttributes]:
        """The attributes of every document. What is there must still be judged as it is taken: it may change."""
        for path, _ in self._entries(self._manifests[0]):
            part = bag_format.part_at(path)
            if not part.version:
                yield self._attributes(part)

    def content(self, file: FileAttributes) -> Iterator[bytes]:
        """The stored content of a document, in pieces."""
        return self._chunks(bag_format.content_name(file.file_id, file.content.version))

    def _manifests_of(self, kind: str) -> list[str]:
        names = sorted(path.name for path in self._root.glob(f"{kind}-*.txt"))
        return [name for name in names if _algorithm(name) in _KNOWN]

    def _judge_tags(self) -> None:
        for name in self._manifests_of("tagmanifest"):
            for path, digest in self._entries(name):
                for step in (path, *map(str, PurePosixPath(path).parents)):
                    self._must_be_no_link(step)
                if self._digests(path, [_algorithm(name)])[_algorithm(name)] != digest:
                    raise BadBag(f"{path} is not what {name} says")

    def _look_at_payload(self) -> None:
        self._must_be_no_link(bag_format.PAYLOAD)
        for directory, subdirectories, names in os.walk(self._root / bag_format.PAYLOAD, onerror=_cannot_read):
            below = os.path.relpath(directory, self._root)
            for name in (*subdirectories, *names):
                self._must_be_no_link(f"{below}/{name}")
            for name in names:
                self._payload.add(bag_format.part_at(f"{below}/{name}"))
                self.payload_bytes += self._size(f"{below}/{name}")

    def _must_be_no_link(self, path: str) -> None:
        if (self._root / path).is_symlink():
            raise BadBag(f"{path} is a link: it may lead anywhere")

    def _judge_oxum(self) -> None:
        if not (self._root / bag_format.INFO_NAME).exists():
            return
        said = bag_format.payload_oxum(self._text(bag_format.INFO_NAME))
        found = (self.payload_bytes, len(self._payload))
        if said not in {None, found}:
            raise BadBag(f"the payload has {found[0]} bytes in {found[1]} files, and its Payload-Oxum says {said}")

    def _in_one_order(self) -> list[Sequence[str]]:
        """Manifests that name the same files in the same order are read together, and the payload once."""
        lines = zip_longest(*map(self._entries, self._manifests), fillvalue=("", ""))
        if all(len({path for path, _ in entries}) == 1 for entries in lines):
            return [self._manifests]
        return [[name] for name in self._manifests]

    def _judge_payload(
        self,
        manifests: Sequence[str],
        accept: Accept,
        progress: Callable[["BagReader"], None],
    ) -> None:
        algorithms = [_algorithm(name) for name in manifests]
        left = set(self._payload)
        for entries in zip(*map(self._entries, manifests), strict=True):
            path = entries[0][0]
            part = bag_format.part_at(path)
            if part not in left:
                raise BadBag(f"{manifests[0]} names {path}, which is not there or was named before")
            left.remove(part)
            digests = self._digests(path, algorithms)
            for name, (_, digest) in zip(manifests, entries, strict=True):
                if digests[_algorithm(name)] != digest:
                    raise BadBag(f"{path} is not what {name} says")
            self._judge_document(part, digests["sha256"], accept)
            self.judged_bytes += self._size(path)
            progress(self)
        if left:
            raise BadBag(f"{min(part.path for part in left)} is not in {manifests[0]}")

    def _judge_document(self, part: Part, sha256: str, accept: Accept) -> None:
        file = self._attributes(part)
        content = Part(part.file_id, file.content.version)
        if part.version == 0:
            if content not in self._payload:
                raise BadBag(f"{part.path}: its content {content.path} is missing")
            accept(file)
            return
        if part != content or (self._size(part.path), sha256) != (file.content.stored_size, file.content.stored_sha256):
            raise BadBag(f"{part.path} is not the content that the attributes beside it speak of")

    def _attributes(self, part: Part) -> FileAttributes:
        path = bag_format.attributes_name(part.file_id)
        try:
            file = FileAttributes.model_validate_json(self._text(path))
        except ValueError as error:
            raise BadBag(f"{path} cannot be read: {' '.join(str(error).split())}") from None
        if file.file_id != part.file_id:
            raise BadBag(f"{path} holds the attributes of {file.file_id}")
        return file

    def _entries(self, manifest: str) -> Iterator[tuple[str, str]]:
        with (self._root / manifest).open("r", encoding="utf-8", newline="\n") as lines:
            yield from bag_format.entries(lines, manifest)

    def _digests(self, path: str, algorithms: Sequence[str]) -> Mapping[str, str]:
        """Always the sha-256 too."""
        hashes = {each: hashlib.new(each, usedforsecurity=False) for each in {*algorithms, "sha256"}}
        for chunk in self._chunks(path):
            for each in hashes.values():
                each.update(chunk)
        return {name: each.hexdigest() for name, each in hashes.items()}

    def _text(self, name: str) -> str:
        if self._size(name) > MOST_TAG_BYTES:
            raise BadBag(f"{name} is far too long")
        return b"".join(self._chunks(name)).decode()

    def _size(self, path: str) -> int:
        try:
            return (self._root / path).lstat().st_size
        except FileNotFoundError:
            raise BadBag(f"{path} is missing") from None

    def _chunks(self, path: str) -> Iterator[bytes]:
        """No link is followed, nor is anything opened that is no plain file."""
        try:
            fd = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(fd, "rb") as file:
                if not S_ISREG(os.fstat(fd).st_mode):
                    raise BadBag(f"{path} is no plain file")
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError:
            raise BadBag(f"{path} is missing") from None
        except OSError as error:
            raise BadBag(f"{path} cannot be read: {error.strerror}") from None


def _algorithm(manifest: str) -> str:
    return manifest.partition("-")[2].removesuffix(".txt")


def _cannot_read(error: OSError) -> None:
    raise BadBag(f"{error.filename} cannot be read: {error.strerror}") from None
