#!/usr/bin/env python3
"""Reads documents out of the bare directory of a storage element. Needs Python 3.9 and nothing else: no ArtStore, no
database, no network. It changes nothing in the directory.

    read_element.py ls ELEMENT                       what is there: id, size, when, collection, name
    read_element.py ls --json ELEMENT                all that is known of each document, one JSON object a line
    read_element.py cat ELEMENT ID > FILE            one document
    read_element.py extract ELEMENT TARGET [ID ...]  all or some as TARGET/<id>/<name>, with their attributes

Every document is checked against its sha-256; what is damaged is named, and the exit code is 1. Stop the element
first, or read a copy of its directory. The formats are described in docs/formats.
"""

import argparse
import gzip
import hashlib
import io
import json
import struct
import sys
import uuid
import zlib
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

FRAME = struct.Struct("<4sIQQQB3xIII16s16s")
SEGMENT_HEADER_BYTES = 512
CREATE_INLINE, CREATE_STAGED, CHANGE, REMOVE, REPLACE_INLINE, REPLACE_STAGED = range(1, 7)


class Damaged(ValueError):
    """Something cannot be read, or is not what it was."""


UNREADABLE = (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""A damaged document may fail in any of these ways, and does not keep the others from being read."""


class Element:
    """An element's directory, and above its files what only its journal knows: attributes and content by id."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.complaints = 0
        superblock = json.loads((root / "element.json").read_bytes())
        if superblock.get("format") != "artstore-element" or superblock.get("version") != 1:
            raise Damaged("element.json is not of format artstore-element, version 1")
        self.newer: dict[str, Any] = {}
        for record in self.records():
            self.redo(*record)

    def complain(self, text: str) -> None:
        self.complaints += 1
        print(f"read_element: {printable(text)}", file=sys.stderr)

    def redo(self, kind: int, file_id: str, attributes: bytes, content: bytes, staged: str) -> None:
        """None for a removed file; no content where it lies among the files."""
        if kind == REMOVE:
            self.newer[file_id] = None
        elif kind in {CREATE_INLINE, REPLACE_INLINE}:
            self.newer[file_id] = (attributes, content)
        elif kind in {CREATE_STAGED, REPLACE_STAGED}:
            self.newer[file_id] = (attributes, next((self.root / "staging").rglob(staged), None))
        elif kind == CHANGE:
            self.newer[file_id] = (attributes, (self.newer.get(file_id) or (None, None))[1])
        else:
            raise Damaged(f"the journal has records of kind {kind}, which this program is too old for")

    def records(self) -> Iterator[Any]:
        """The records of all segments, as far as they are whole and follow one another."""
        expected = None
        for path in sorted((self.root / "journal").glob("*.wal")):
            name, segment = path.name, path.read_bytes()
            if expected not in {None, int(name[:-4])}:
                self.complain(f"journal/{name}: records that come before it are missing, from {expected} on")
            if segment[SEGMENT_HEADER_BYTES - 1 :].strip(b"\0"):  # else a crash came before its header was whole
                try:
                    expected = yield from self.records_of(name, segment)
                except UNREADABLE:
                    self.complain(f"journal/{name}: the header cannot be read, nor what only this segment knows")

    def records_of(self, name: str, segment: bytes) -> Generator[Any, None, int]:
        """The records of one segment; returns the LSN that follows them."""
        salt = json.loads(segment[:SEGMENT_HEADER_BYTES])["salt"]
        offset, lsn = SEGMENT_HEADER_BYTES, int(name[:-4])
        while offset + FRAME.size <= len(segment):
            frame = FRAME.unpack_from(segment, offset)
            magic, checksum, found, _, _, kind, n_attributes, n_content, n_origin, staged, file_id = frame
            middle = offset + FRAME.size + n_attributes
            end = middle + n_content + n_origin + -(n_attributes + n_content + n_origin) % 8
            if magic != b"ASJ1" or found != lsn or zlib.crc32(segment[offset + 8 : end], salt) != checksum:
                break
            attributes, content = segment[offset + FRAME.size : middle], segment[middle : middle + n_content]
            yield kind, str(uuid.UUID(bytes=file_id)), attributes, content, str(uuid.UUID(bytes=staged))
            offset, lsn = end, lsn + 1
        if segment[offset:].strip(b"\0"):
            self.complain(f"journal/{name}: unreadable from byte {offset} on: a write that a crash cut off, or damage")
        return lsn

    def ids(self) -> list[str]:
        """Of all documents, in order."""
        found = {file_id for file_id, known in self.newer.items() if known}
        found.update(path.name[: -len(".attr.json")] for path in (self.root / "files").rglob("*.attr.json"))
        return sorted(file_id for file_id in found if self.newer.get(file_id, True))

    def path(self, file_id: str, suffix: str) -> Path:
        """The directory follows from the time in the id."""
        moment = datetime(1970, 1, 1) + timedelta(milliseconds=uuid.UUID(file_id).int >> 80)
        return self.root / "files" / f"{moment:%Y/%m/%d/%H/%M}" / f"{file_id}{suffix}"

    def attributes(self, file_id: str) -> tuple[bytes, Any]:
        """The bytes of attr.json, and what they say."""
        known = self.newer.get(file_id, ())
        if known is None:
            raise Damaged("the document was removed")
        raw = known[0] if known else self.path(file_id, ".attr.json").read_bytes()
        attributes = json.loads(raw)
        if (attributes["file_id"], attributes["schema"]) != (file_id, 1):
            raise Damaged("attr.json is of another file, or of a newer version")
        return raw, attributes

    def copy(self, file_id: str, attributes: Any, target: BinaryIO) -> None:
        """Write the document to `target`, as it was given; `Damaged` when it is not that any more."""
        content, sha256 = attributes["content"], hashlib.sha256()
        if content["encoding"] not in {"identity", "gzip"}:
            raise Damaged(f"stored as {content['encoding']}, which this program cannot undo")
        with self.stored(file_id, content["version"]) as stored:
            source = gzip.GzipFile(fileobj=stored) if content["encoding"] == "gzip" else stored
            while chunk := source.read(1 << 20):
                sha256.update(chunk)
                target.write(chunk)
        if sha256.hexdigest() != content["sha256"]:
            raise Damaged(f"the content has the sha-256 {sha256.hexdigest()}, and had {content['sha256']}")

    def stored(self, file_id: str, version: int) -> BinaryIO:
        newer = (self.newer.get(file_id) or (None, None))[1]
        if isinstance(newer, bytes):
            return io.BytesIO(newer)
        return (newer or self.path(file_id, f".v{version}")).open("rb")


def printable(text: str) -> str:
    """Names come from anybody: nothing of them shall reach a terminal as a command."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)


def extract(element: Element, file_id: str, target: Path) -> None:
    """To TARGET/<id>/<name>; what is damaged stays there as <name>.damaged."""
    raw, attributes = element.attributes(file_id)
    directory = target / file_id
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "attr.json").write_bytes(raw)
    given = attributes["content"]["name"]
    name = "".join(letter if letter.isprintable() and letter not in "/\\" else "_" for letter in given)
    name = name.encode()[:200].decode(errors="ignore")
    path = directory / ("document" if name in {"", ".", "..", "attr.json"} else name)
    damaged = directory / f"{path.name}.damaged"
    with damaged.open("wb") as file:
        element.copy(file_id, attributes, file)
    damaged.replace(path)


def show(element: Element, file_id: str, as_json: bool) -> None:
    attributes = element.attributes(file_id)[1]
    content, when = attributes["content"], attributes["uploaded_at"][:19]
    line = printable(f"{file_id}  {content['size']:>13}  {when}  {attributes['collection']}  {content['name']}")
    print(json.dumps(attributes) if as_json else line)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["ls", "cat", "extract"])
    parser.add_argument("element", metavar="ELEMENT")
    parser.add_argument("more", metavar="ID | TARGET [ID ...]", nargs="*")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if {"ls": len(given.more), "cat": len(given.more) - 1, "extract": not given.more}[given.command]:
        parser.error("ls takes an ELEMENT, cat an ELEMENT and an ID, extract an ELEMENT and a TARGET")
    try:
        element = Element(Path(given.element))
    except UNREADABLE as error:
        parser.exit(1, f"read_element: {given.element} cannot be read as an element: {error}\n")
    for file_id in (given.more if given.command == "cat" else given.more[1:]) or element.ids():
        try:
            if given.command == "ls":
                show(element, file_id, given.json)
            elif given.command == "cat":
                element.copy(file_id, element.attributes(file_id)[1], sys.stdout.buffer)
            else:
                extract(element, file_id, Path(given.more[0]))
        except UNREADABLE as error:
            element.complain(f"{file_id}: {type(error).__name__}: {error}")
    return 1 if element.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
