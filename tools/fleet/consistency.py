"""What the audit log says of itself: its key, and whether a later tree begins with an earlier one."""

import base64
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tools.verify_audit import Checkpoint, hash_in, hashed

ED25519 = b"\x01"


def hashes_of(answer: bytes) -> list[bytes]:
    """The hashes of a proof as the log answers it; `ValueError` when it is none."""
    try:
        return [hash_in(each) for each in json.loads(answer)["hashes"]]
    except (LookupError, TypeError) as error:
        raise ValueError(f"no proof: {error!r}") from error


class NoKey(Exception):
    """What was answered in the place of the log's key is none, such as the page of a proxy."""


def key_in(answer: bytes) -> str:
    """The verifier key of a log (C2SP signed-note); `NoKey` when it is none."""
    try:
        name, key_id, encoded = (key := answer.decode().strip()).split("+", 2)
        public_key = base64.b64decode(encoded, validate=True)
        Ed25519PublicKey.from_public_bytes(public_key.removeprefix(ED25519))
    except ValueError as error:
        raise NoKey(f"no verifier key: {answer[:80]!r}") from error
    if not public_key.startswith(ED25519) or hashed(name.encode(), b"\n", public_key)[:4].hex() != key_id:
        raise NoKey(f"no verifier key: {answer[:80]!r}")
    return key


def consistent(old: Checkpoint, new: Checkpoint, proof: list[bytes]) -> bool:
    """Whether the proof shows that the new tree begins with the old one (RFC 9162 section 2.1.4.2)."""
    if old.size == new.size:
        return old.root == new.root
    path = [old.root, *proof] if old.size & (old.size - 1) == 0 else proof
    fn, sn = old.size - 1, new.size - 1
    if old.size > new.size or not path:
        return False
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]
    for each in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            first, second = hashed(b"\1", each, first), hashed(b"\1", each, second)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = hashed(b"\1", second, each)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and first == old.root and second == new.root
