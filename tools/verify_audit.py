#!/usr/bin/env python3
"""Checks ArtStore's audit log against checkpoints that a witness kept. Needs Python 3.10, `cryptography`, no ArtStore.

    verify_audit.py --witness FILE --log http://admin:8000 --token-file FILE     the log as it is served
    verify_audit.py --witness FILE --leaves FILE [--checkpoint FILE]             the log as somebody exported it

Exit code 0: every entry is what it was when it was witnessed, or was let go in time. 1: it is not, and how is named:
edited, deleted, reordered, truncated, rolled back, forked, forged. 2: not checked. Formats: docs/protocols/audit.md.
"""

import argparse
import base64
import json
import re
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import reduce
from hashlib import sha256
from http.client import UNAUTHORIZED, HTTPException
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PART = 20_000
CLOCKS_DIFFER = timedelta(days=1)


def hashed(*parts: bytes) -> bytes:
    """Of a leaf: b"\\0" and its bytes; of a node: b"\\1" and its children (RFC 9162 section 2.1.1)."""
    return sha256(b"".join(parts)).digest()


def hash_in(text: str) -> bytes:
    """A hash in base64; `ValueError` when it is none."""
    if len(told := base64.b64decode(text, validate=True)) != sha256().digest_size:
        raise ValueError(f"no hash: {text!r}")
    return told


class Wrong(Exception):
    """What is wrong with the log, beginning with the word for it."""


class Checkpoint(NamedTuple):
    size: int
    root: bytes
    seen_at: datetime


def opened(note: str, key: str, seen_at: datetime) -> Checkpoint:
    """What a signed checkpoint says (C2SP signed-note, tlog-checkpoint); `Wrong` unless `key` has signed it."""
    try:
        name, key_id, encoded = key.strip().split("+", 2)
        public_key, (text, _, signatures) = base64.b64decode(encoded), note.rpartition("\n\n")
        ((origin, size, root),) = re.findall(r"\A(.+)\n([1-9][0-9]*)\n(.+)", text)
        for line in signatures.splitlines():
            dash, signer, signature = line.split(" ")
            signed = base64.b64decode(signature)
            if (dash, signer, signed[:4].hex(), origin) == ("—", name, key_id, name):
                Ed25519PublicKey.from_public_bytes(public_key[1:]).verify(signed[4:], f"{text}\n".encode())
                return Checkpoint(int(size), hash_in(root), seen_at)
    except (ValueError, InvalidSignature) as error:
        raise Wrong(f"forged: the checkpoint seen {seen_at} is not signed by the log: {error!r}") from None
    raise Wrong(f"forged: the checkpoint seen {seen_at} is none that the log has signed")


def witnessed(path: Path) -> tuple[str, list[Checkpoint]]:
    """The log's key, and the checkpoints that were kept, the smallest first."""
    first, *rest = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    kept = [opened(each["note"], first["key"], datetime.fromisoformat(each["seen_at"]).astimezone()) for each in rest]
    return first["key"], sorted(kept)


def ask(url: str, token: str = "") -> bytes:
    """What is answered, whole; an answer that was cut raises."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"not an address: {url}")
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return bytes(answer.read())


def served(log: str, token_file: Path, start: int, end: int) -> Iterator[bytes]:
    """These leaves of a log, in parts; the token is read anew for each, since it lasts for minutes only."""
    while start < end:
        path = f"api/v1/audit/leaves?limit={min(PART, end - start)}&start={start}"
        part = ask(f"{log}/{path}", token_file.read_text(encoding="utf-8").strip()).split(b"\n")[:-1]
        yield from part
        start = start + len(part) if part else end


class Reading:
    """What the leaves say: their roots at the sizes that matter, and what is odd about them."""

    def __init__(self) -> None:
        self.size, self.subtrees, self.roots, self.gone = 0, list[bytes](), dict[int, bytes](), list[range]()
        self.misplaced, self.unreadable, self.excuses = dict[int, int](), list[int](), list[tuple[int, int, str]]()

    def take(self, lines: Iterable[bytes], known: list[Checkpoint]) -> None:
        """Only the roots of perfect subtrees are kept (RFC 9162 section 2.1.2)."""
        sizes = {each.size for each in known}
        for line in lines:
            self.subtrees.append(self.hash_of(line.removesuffix(b"\n"), self.size))
            size, self.size = self.size, self.size + 1
            while size % 2:
                right, size = self.subtrees.pop(), size // 2
                self.subtrees[-1] = hashed(b"\1", self.subtrees[-1], right)
            if self.size in sizes:
                self.roots[self.size] = reduce(lambda right, left: hashed(b"\1", left, right), self.subtrees[::-1])

    def hash_of(self, leaf: bytes, place: int) -> bytes:
        try:
            told = json.loads(leaf)
            if told["index"] != place:
                self.misplaced[place] = told["index"]
            if "hash" in told:
                start = self.gone.pop().start if self.gone and self.gone[-1].stop == place else place
                self.gone.append(range(start, place + 1))
                return hash_in(told["hash"])
            if told["entry"]["action"] == "audit.expire" and "delivered_by" not in told:  # nobody else's word counts
                self.excuses.append((place, max(0, told["entry"]["detail"]["entries_so_far"]), told["recorded_at"]))
        except (ValueError, LookupError, TypeError, RecursionError):
            self.unreadable.append(place)
        return hashed(b"\0", leaf)


def deletions(read: Reading, known: list[Checkpoint], kept: timedelta) -> Iterator[str]:
    """What is gone and was not let go, or too early: a place that was free when a witness looked was filled later."""
    gone, now = sum(map(len, read.gone)), datetime.now().astimezone()
    if gone > (let_go := max((so_far for place, so_far, _ in read.excuses if place < max(known).size), default=0)):
        yield f"deleted: {gone} entries are gone, from {read.gone[0].start} on, and {let_go} were let go"
    young = min((each.size for each in known if now - each.seen_at < kept - CLOCKS_DIFFER), default=read.size)
    if early := [place for each in read.gone for place in each[max(young - each.start, 0) :][:1]]:
        seen = max(each.seen_at for each in known if each.size <= early[0])
        yield f"deleted: entry {early[0]} is gone too early: it came after {seen}, and is to stay for {kept.days} days"


def complaints(read: Reading, known: list[Checkpoint]) -> Iterator[str]:
    """What is wrong with these leaves, measured by witnessed checkpoints; the last one the log shows now."""
    if read.unreadable:
        yield f"edited: {len(read.unreadable)} lines, from {read.unreadable[0]} on, are no leaves of an audit log"
    for place, index in list(read.misplaced.items())[:1]:  # a missing one shifts all others, exchanged ones are there
        word = "reordered" if place in read.misplaced.values() else "deleted"
        yield f"{word}: at place {place} stands the entry that belongs to {index!r}"
    own, last = known[-1], max(known)
    if own.size < last.size:
        yield f"rolled back: the log signs {own.size} entries; at {last.seen_at} it had signed {last.size}"
    if read.size < last.size:
        yield f"truncated: there are {read.size} entries; {last.size} were signed"
    true_to_own = read.roots.get(own.size) == own.root
    if own.size in read.roots and not true_to_own:
        yield f"edited: among the first {own.size} entries something is not what the log itself has signed"
    for seen in [each for each in known if read.roots.get(each.size, each.root) != each.root][:1]:
        good = max((each.size for each in known if each.size < seen.size), default=0)
        word = "forked: signed again" if true_to_own else "edited"
        yield f"{word}: from entry {good} to {seen.size - 1} the log is not what was witnessed at {seen.seen_at}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--witness", type=Path, required=True, metavar="FILE", help="what ./fleet witness kept")
    parser.add_argument("--log", metavar="URL", type=lambda url: url.rstrip("/"))
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="an access token with audit:read; read often")
    parser.add_argument("--leaves", type=Path, metavar="FILE", help="what GET /api/v1/audit/leaves gave")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="what GET /api/v1/audit/checkpoint gave then")
    parser.add_argument("--retention-days", type=int, default=2557, metavar="N", help="as agreed (%(default)s)")
    given = parser.parse_args()
    if bool(given.log) == bool(given.leaves) or bool(given.log) != bool(given.token_file):
        parser.error("give --log and --token-file, or --leaves")
    try:
        key, known = witnessed(given.witness)
        if not known:
            raise ValueError(f"{given.witness} has no checkpoint")  # noqa: TRY301
        held, read, now = known[-1].size, Reading(), datetime.now().astimezone()
        for _ in range(2) if given.log else ():  # what is let go while this reads is told in what is signed then
            known.append(opened(ask(f"{given.log}/api/v1/audit/checkpoint").decode(), key, now))
            read.take(served(given.log, given.token_file, read.size, known[-1].size), known)
        known += [opened(given.checkpoint.read_bytes().decode(), key, now)] if given.checkpoint else []
        read.take(given.leaves.open("rb") if given.leaves else (), known)
    except Wrong as error:
        print(error)
        return 1
    except (OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError) as error:
        late = f": write a fresh token into {given.token_file}" if getattr(error, "code", 0) == UNAUTHORIZED else ""
        parser.exit(2, f"verify_audit: cannot check: {error!r}{late}\n")
    gone, signed = sum(map(len, read.gone)), max(known).size
    print(f"{gone} of {read.size} places are gone; {max(read.size - signed, 0)} leaves are signed by nobody yet")
    for place, so_far, moment in read.excuses:
        print(f"  entry {place} says{' unsigned' * (place >= signed)} that {so_far} were let go until {moment!r}")
    wrong = [*complaints(read, known), *deletions(read, known, timedelta(given.retention_days))]
    print("\n".join(wrong) or f"{held} witnessed entries are what they were")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
