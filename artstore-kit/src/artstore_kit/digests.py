"""Digest fields of HTTP (RFC 9530), read and written: `Repr-Digest: sha-256=:<base64>:`."""

import base64
import binascii
import re

from artstore_kit.contracts.errors import BadDigestHeader

REPR_DIGEST_HEADER = "Repr-Digest"
CONTENT_DIGEST_HEADER = "Content-Digest"
SHA256_BYTES = 32

_KEY = r"[a-z*][a-z0-9_.*-]*"
_BARE_ITEM = (
    r':[A-Za-z0-9+/=]*:|"(?:[ !#-\[\]-~]|\\["\\])*"|\?[01]|-?[0-9]+(?:\.[0-9]+)?|[A-Za-z*][\w!#$%&\'*+.^`|~:/-]*'
)
_PARAMETERS = rf"(?:; *{_KEY}(?:=(?:{_BARE_ITEM}))?)*"
_MEMBER = re.compile(rf"(?P<key>{_KEY})(?:=(?P<value>{_BARE_ITEM}))?{_PARAMETERS}")
_BETWEEN = re.compile(r"[ \t]*,[ \t]*")


def parse_sha256(header: str | None) -> bytes | None:
    """The sha-256 that a `Repr-Digest` or `Content-Digest` field announces; None when it announces none.

    The field is a Dictionary (RFC 8941 section 3.2): other algorithms are passed over, the last of two equal keys
    counts, and `BadDigestHeader` is raised for what is no Dictionary or holds no sha-256 where it says so.
    """
    digest: str | None = None
    rest = (header or "").strip(" ")
    while rest:
        member = _MEMBER.match(rest)
        if member is None:
            raise BadDigestHeader
        if member["key"] == "sha-256":
            digest = member["value"] or ""
        rest = _after_comma(rest[member.end() :])
    return None if digest is None else _decoded(digest)


def format_sha256(digest: bytes) -> str:
    """The value of a digest field that announces this sha-256."""
    return f"sha-256=:{base64.b64encode(digest).decode()}:"


def _after_comma(rest: str) -> str:
    if not rest:
        return rest
    between = _BETWEEN.match(rest)
    if between is None or between.end() == len(rest):
        raise BadDigestHeader
    return rest[between.end() :]


def _decoded(value: str) -> bytes:
    encoded = value[1:-1].rstrip("=")
    if len(value) < 2 or value[0] != ":":
        raise BadDigestHeader
    try:
        digest = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise BadDigestHeader from None
    if len(digest) != SHA256_BYTES:
        raise BadDigestHeader(f"A sha-256 has {SHA256_BYTES} bytes; the digest header holds {len(digest)}.")
    return digest
