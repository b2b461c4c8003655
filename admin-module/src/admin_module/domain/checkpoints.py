"""Checkpoints of the audit log as signed notes (C2SP tlog-checkpoint and signed-note)."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

SIGNED_EVERY = timedelta(seconds=9)
"""With a look each half second, no entry is without a checkpoint for ten."""
SIGNED_EACH = 1000
"""So many entries do not wait that long."""
_ED25519 = b"\x01"


@dataclass(frozen=True)
class Checkpoint:
    """What was signed: how many entries there were, and the note with the root of their tree."""

    size: int
    note: str
    signed_at: datetime


def is_due(last: Checkpoint | None, size: int, now: datetime) -> bool:
    """Whether a log of this size should be signed now."""
    if last is None:
        return size > 0
    return size - last.size >= SIGNED_EACH or (size > last.size and now - last.signed_at >= SIGNED_EVERY)


def log_name(issuer: str) -> str:
    """The log's name for ever: where it was when its key was made."""
    return f"{urlsplit(issuer).netloc}/audit"


def body(name: str, size: int, root: bytes) -> str:
    """The text that is signed."""
    return f"{name}\n{size}\n{base64.b64encode(root).decode()}\n"


def note(text: str, name: str, public_key: bytes, signature: bytes) -> str:
    """The text with its signature beneath."""
    return f"{text}\n— {name} {base64.b64encode(_key_id(name, public_key) + signature).decode()}\n"


def verifier_key(name: str, public_key: bytes) -> str:
    """The public key as checkers of signed notes take it."""
    return f"{name}+{_key_id(name, public_key).hex()}+{base64.b64encode(_ED25519 + public_key).decode()}"


def _key_id(name: str, public_key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]
