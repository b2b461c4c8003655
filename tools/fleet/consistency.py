"""Whether a later tree of the audit log begins with an earlier one, as a proof of the log shows."""

import json

from tools.verify_audit import Checkpoint, hash_in, hashed


def hashes_of(answer: bytes) -> list[bytes]:
    """The hashes of a proof as the log answers it; `ValueError` when it is none."""
    try:
        return [hash_in(each) for each in json.loads(answer)["hashes"]]
    except (LookupError, TypeError) as error:
        raise ValueError(f"no proof: {error!r}") from error


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
