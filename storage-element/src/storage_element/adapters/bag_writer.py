"""Writes a bag (RFC 8493) that comes to be whole or not at all."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from storage_element.adapters.local import disk
from storage_element.domain import bag_format

PARTIAL_SUFFIX = ".partial"


class TargetTaken(ValueError):
    """There is something where the bag should be; it is left as it is."""


@dataclass(frozen=True)
class Written:
    """A payload file that lies in the bag and is in no manifest yet: where, its size, its digest by algorithm."""

    path: str
    size: int
    digests: Mapping[str, str]


class BagWriter:
    """A bag under way, in a directory `<name>.partial` beside its place.

    It gets its bagit.txt, without which no directory is a bag, and its name when everything else is on stable storage.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._partial = target.with_name(target.name + PARTIAL_SUFFIX)
        _must_be_free(target, self._partial)
        (self._partial / bag_format.PAYLOAD).mkdir(parents=True)
        self._sync_fd = os.open(self._partial, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._manifests = {each: self._open(bag_format.manifest_name(each)) for each in bag_format.ALGORITHMS}
        self.payload_bytes = 0
        self.payload_files = 0

    def write(self, path: str, chunks: Iterable[bytes]) -> Written:
        """Write a file into the bag."""
        target = self._partial / path
        target.parent.mkdir(parents=True, exist_ok=True)
        hashes = [hashlib.new(each) for each in bag_format.ALGORITHMS]
        with target.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
                for each in hashes:
                    each.update(chunk)
            return Written(path, file.tell(), {each.name: each.hexdigest() for each in hashes})

    def drop(self, path: str) -> None:
        """Take a file that is in no manifest out again."""
        (self._partial / path).unlink(missing_ok=True)

    def enter(self, files: Iterable[Written]) -> None:
        """Name `files` in the manifests: they belong to the bag."""
        for file in files:
            self.payload_bytes += file.size
            self.payload_files += 1
            for algorithm, digest in file.digests.items():
                self._manifests[algorithm].write(f"{digest}  {file.path}\n".encode())

    def finish(self, info: Iterable[tuple[str, str]]) -> None:
        """Return when the bag is whole, in its place and on stable storage."""
        oxum = ("Payload-Oxum", f"{self.payload_bytes}.{self.payload_files}")
        lines = [bag_format.info_line(label, value) for label, value in (*info, oxum)]
        (self._partial / bag_format.INFO_NAME).write_text("".join(lines), "utf-8")
        for manifest in self._manifests.values():
            manifest.close()
        for algorithm in bag_format.ALGORITHMS:
            self._write_tag_manifest(algorithm)
        disk.sync_file_system(self._sync_fd)
        disk.replace_durably(self._partial / bag_format.DECLARATION_NAME, bag_format.DECLARATION.encode())
        self._partial.rename(self._target)
        disk.sync_directory(self._target.parent)

    def close(self) -> None:
        """Let go of the bag; one that was not finished leaves nothing behind."""
        for manifest in self._manifests.values():
            with suppress(OSError):  # of what goes with it
                manifest.close()
        os.close(self._sync_fd)
        shutil.rmtree(self._partial, ignore_errors=True)

    def _write_tag_manifest(self, algorithm: str) -> None:
        declaration = hashlib.new(algorithm, bag_format.DECLARATION.encode()).hexdigest()
        lines = [f"{declaration}  {bag_format.DECLARATION_NAME}\n"]
        for name in (bag_format.INFO_NAME, *map(bag_format.manifest_name, bag_format.ALGORITHMS)):
            with (self._partial / name).open("rb") as file:
                lines.append(f"{hashlib.file_digest(file, algorithm).hexdigest()}  {name}\n")
        (self._partial / bag_format.tag_manifest_name(algorithm)).write_text("".join(lines), "utf-8")

    def _open(self, name: str) -> IO[bytes]:
        return (self._partial / name).open("xb")


def _must_be_free(target: Path, partial: Path) -> None:
    if os.path.lexists(target):
        raise TargetTaken(f"{target} exists already; name another place")
    if os.path.lexists(partial):
        raise TargetTaken(f"{partial} is left from an export that did not end; remove it first")
    if not target.parent.is_dir():
        raise TargetTaken(f"{target.parent} is no directory")
