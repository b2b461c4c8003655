#!/usr/bin/env python3
"""Checks ArtStore's audit log against checkpoints that a witness kept. Needs Python 3.10, `cryptography`, no ArtStore.

    verify_audit.py --witness FILE --log http://admin:8000 --token-file FILE     the log as it is served
    verify_audit.py --witness FILE --leaves FILE [--checkpoint FILE]             the log as somebody exported it

./fleet witness writes the FILE of a witness. Exit code 0: every entry is what it was when it was witnessed; 1: it is
not, and what is wrong is named: edited, deleted, reordered, truncated, rolled back, forked, forged; 2: it could not be
checked. docs/protocols/audit.md describes the formats.
"""

import argparse
import base64
import json
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from functools import reduce
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PART = 20_000


def hashed(*parts: bytes) -> bytes:
    """Of a leaf: b"\\0" and its bytes; of a node: b"\\1" and its children (RFC 9162 section 2.1.1)."""
    return sha256(b"".join(parts)).digest()


class Wrong(Exception):
    """What is wrong with the log, beginning with the word for it."""


class Checkpoint(NamedTuple):
    size: int
    root: bytes
    seen_at: str = "now"


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


def opened(note: str, key: str, seen_at: str = "now") -> Checkpoint:
    """What a signed checkpoint says (C2SP signed-note, tlog-checkpoint); `Wrong` unless `key` has signed it."""
    try:
        name, key_id, encoded = key.strip().split("+", 2)
        text, _, signatures = note.rpartition("\n\n")
        origin, size, root = text.split("\n")[:3]
        for line in signatures.splitlines():
            dash, signer, signature = line.split(" ")
            signed = base64.b64decode(signature)
            if (dash, signer, signed[:4].hex()) == ("—", name, key_id) and origin == name:
                public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:])
                public_key.verify(signed[4:], f"{text}\n".encode())
                return Checkpoint(int(size), base64.b64decode(root), seen_at)
    except (ValueError, InvalidSignature) as error:
        raise Wrong(f"forged: the checkpoint seen {seen_at} is not signed by the log: {error!r}") from None
    raise Wrong(f"forged: the checkpoint seen {seen_at} bears no signature of the log")


def hashes_of(answer: bytes) -> list[bytes]:
    """The hashes of a proof as the log answers it."""
    return [base64.b64decode(each) for each in json.loads(answer)["hashes"]]


def witnessed(path: Path) -> tuple[str, list[Checkpoint]]:
    """The log's key, and the checkpoints that were kept, the smallest first."""
    first, *rest = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return first["key"], sorted(opened(each["note"], first["key"], each["seen_at"]) for each in rest)


def ask(url: str, token: str = "") -> Iterator[bytes]:
    """The lines of an answer; a connection that is cut raises."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"not an address: {url}")
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        yield from answer


def served(log: str, token: str) -> Iterator[bytes]:
    """All leaves of a log, in parts."""
    start = 0
    while part := list(ask(f"{log}/api/v1/audit/leaves?start={start}&limit={PART}", token)):
        yield from part
        start += len(part)


class Reading:
    """What the leaves say: their roots at the sizes that matter, and what is odd about them."""

    def __init__(self, lines: Iterable[bytes], sizes: set[int]) -> None:
        self.size, self.subtrees, self.roots = 0, list[bytes](), dict[int, bytes]()
        self.unreadable, self.gone, self.misplaced, self.let_go = list[int](), list[int](), dict[int, int](), 0
        for line in lines:
            self.add(self.hash_of(line.rstrip(b"\n"), self.size))
            if self.size in sizes:
                self.roots[self.size] = reduce(lambda right, left: hashed(b"\1", left, right), self.subtrees[::-1])

    def add(self, leaf_hash: bytes) -> None:
        """Only the roots of perfect subtrees are kept (RFC 9162 section 2.1.2)."""
        size, self.size = self.size, self.size + 1
        self.subtrees.append(leaf_hash)
        while size % 2:
            right, size = self.subtrees.pop(), size // 2
            self.subtrees[-1] = hashed(b"\1", self.subtrees[-1], right)

    def hash_of(self, leaf: bytes, place: int) -> bytes:
        try:
            told = json.loads(leaf)
            if told["index"] != place:
                self.misplaced[place] = told["index"]
            if "hash" in told:
                self.gone.append(place)
                return base64.b64decode(told["hash"])
            if told["entry"]["action"] == "audit.expire" and "delivered_by" not in told:  # nobody else's word counts
                self.let_go = max(self.let_go, told["entry"]["detail"]["entries_so_far"])
        except (ValueError, LookupError, TypeError):
            self.unreadable.append(place)
        return hashed(b"\0", leaf)


def complaints(lines: Iterable[bytes], known: list[Checkpoint], own: Checkpoint | None) -> Iterator[str]:
    """What is wrong with these leaves, measured by witnessed checkpoints and by the one that the log shows now."""
    read = Reading(lines, {each.size for each in ([*known, own] if own else known)})
    yield from (f"edited: entry {place} is no leaf of an audit log" for place in read.unreadable)
    for place, index in list(read.misplaced.items())[:1]:  # a missing one shifts all others, exchanged ones are there
        word = "reordered" if place in read.misplaced.values() else "deleted"
        yield f"{word}: at place {place} stands the entry that belongs to {index}"
    if len(read.gone) > read.let_go:
        yield f"deleted: {len(read.gone)} entries are gone, from {read.gone[0]} on, and {read.let_go} were let go"
    size, last = read.size, max(known, default=Checkpoint(0, b""))
    if own and own.size < last.size:
        yield f"rolled back: the log signs {own.size} entries; at {last.seen_at} it had signed {last.size}"
    if size < max(last.size, own.size if own else 0):
        yield f"truncated: there are {size} entries; {max(last.size, own.size if own else 0)} were signed"
    true_to_own = bool(own and read.roots.get(own.size) == own.root)
    if own and own.size in read.roots and not true_to_own:
        yield f"edited: among the first {own.size} entries something is not what the log itself has signed"
    for seen in [each for each in known if read.roots.get(each.size, each.root) != each.root][:1]:
        good = max((each.size for each in known if each.size < seen.size), default=0)
        word = "forked: signed again" if true_to_own else "edited"
        yield f"{word}: from entry {good} to {seen.size - 1} the log is not what was witnessed at {seen.seen_at}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--witness", type=Path, required=True, metavar="FILE")
    parser.add_argument("--log", metavar="URL")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="an access token with audit:read")
    parser.add_argument("--leaves", type=Path, metavar="FILE", help="what GET /api/v1/audit/leaves gave")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="what GET /api/v1/audit/checkpoint gave then")
    given = parser.parse_args()
    if bool(given.log) == bool(given.leaves) or bool(given.log) != bool(given.token_file):
        parser.error("give --log and --token-file, or --leaves")
    try:
        key, known = witnessed(given.witness)
        if given.log:
            note = b"".join(ask(f"{given.log}/api/v1/audit/checkpoint")).decode()
            lines = served(given.log, given.token_file.read_text().strip())
        else:
            note = given.checkpoint.read_text(encoding="utf-8") if given.checkpoint else ""
            lines = given.leaves.open("rb")
        own = opened(note, key) if note else None
        wrong = list(complaints(lines, known, own))
    except Wrong as error:
        wrong = [str(error)]
    except (OSError, ValueError, LookupError) as error:
        parser.exit(2, f"verify_audit: cannot check: {error!r}\n")
    print("\n".join(wrong) or f"{known[-1].size if known else 0} witnessed entries are what they were")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
