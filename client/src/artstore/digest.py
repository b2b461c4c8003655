"""The sha-256 of content, as files hold it and as HTTP announces it (RFC 9530)."""

import base64
import hashlib

REPR_DIGEST_HEADER = "Repr-Digest"


def hex_of(data: bytes) -> str:
    """The sha-256 of `data`, as attributes spell it."""
    return hashlib.sha256(data).hexdigest()


def announcement(sha256: str) -> str:
    """The value of `Repr-Digest` for content with this sha-256."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
