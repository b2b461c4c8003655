"""Looks at single documents of an element's directory from outside, and judges what it reads."""

import hashlib
import zlib
from collections.abc import Iterator
from uuid import UUID

from artstore_kit.contracts.files import Encoding, FileAttributes
from storage_element.adapters.local.bare_element import BareElement, ContentGone, Unreadable

_GZIP = 16 + zlib.MAX_WBITS


def look_at(element: BareElement, file_id: UUID) -> tuple[bytes, FileAttributes]:
    """The attr.json of a document and what it says; `FileUnknown`, or `Unreadable` when it is damaged."""
    attributes = element.attributes(file_id)
    try:
        file = FileAttributes.model_validate_json(attributes)
    except ValueError as error:
        raise Unreadable(f"its attributes cannot be read: {' '.join(str(error).split())}") from None
    if file.file_id != file_id:
        raise Unreadable(f"its attr.json holds the attributes of {file.file_id}")
    return attributes, file


def must_be(file: FileAttributes, size: int, sha256: str) -> None:
    """Raise `Unreadable` unless this is how the stored content of `file` is."""
    if (size, sha256) != (file.content.stored_size, file.content.stored_sha256):
        had = f"{file.content.stored_size} bytes and {file.content.stored_sha256}"
        raise Unreadable(f"its content has {size} bytes and the sha-256 {sha256}, and had {had}")


def given_content(element: BareElement, file_id: UUID) -> Iterator[bytes]:
    """The content of a document as it was given, in pieces; `Unreadable` at the end when it is not that any more."""
    attributes, file = look_at(element, file_id)
    sha256 = hashlib.sha256()
    try:
        for piece in _decoded(element.content(file), file.content.encoding):
            sha256.update(piece)
            yield piece
    except ContentGone:
        if element.attributes(file_id) == attributes:
            raise
        yield from given_content(element, file_id)
    else:
        if sha256.hexdigest() != file.content.sha256:
            raise Unreadable(f"its content has the sha-256 {sha256.hexdigest()}, and had {file.content.sha256}")


def _decoded(chunks: Iterator[bytes], encoding: Encoding) -> Iterator[bytes]:
    if encoding is Encoding.IDENTITY:
        return chunks
    if encoding is Encoding.GZIP:
        return _unzipped(chunks)
    raise Unreadable(f"its content is stored as {encoding.value}, which this program cannot undo")


def _unzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unzip = zlib.decompressobj(_GZIP)
    try:
        for chunk in chunks:
            yield unzip.decompress(chunk)
    except zlib.error as error:
        raise Unreadable(f"its content cannot be unzipped: {error}") from None
    if not unzip.eof:
        raise Unreadable("its content cannot be unzipped: it ends too early")
