"""A log that answers as the admin module does, and everything that may happen to it."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from admin_module.domain import checkpoints
from admin_module.domain.merkle import consistency_spans, grown, leaf_hash, root_hash, span_hash

NAME = "store.test/audit"


@dataclass
class SignedLog:
    """Leaves and a key: what an admin module answers of its log."""

    leaves: list[bytes]
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    happenings: list[Callable[["SignedLog"], None]] = field(default_factory=list)
    """What happens before each further question for the checkpoint."""
    checkpoint_status: int = 200
    proof_status: int = 200
    proof: bytes = b""
    """In the place of the one that is true."""
    proofs_asked: int = 0
    tokens: list[str] = field(default_factory=list)
    """The one that each further question for leaves must show."""
    let_go: dict[int, bytes] = field(default_factory=dict)
    """What is answered in the place of leaves that are gone."""
    signed: int | None = None
    """How many leaves are signed, when not all are."""
    shown_key: bytes | None = None
    """In the place of the key."""
    happenings_at_key: list[Callable[["SignedLog"], None]] = field(default_factory=list)
    """What happens before each further question for the key."""
    drips_s: float = 0
    """How long each byte of an answer takes."""
    cut: bool = False
    """Answers end before they are whole."""

    @property
    def verifier_key(self) -> str:
        """Its public half."""
        return checkpoints.verifier_key(NAME, self._public_key)

    def note(self, size: int | None = None, text: str = "") -> str:
        """Its checkpoint, now or when it had this size; or another text, with the key's signature."""
        size = len(self.leaves) if size is None else size
        tiles = grown(0, {}, [leaf_hash(leaf) for leaf in self.leaves[:size]])
        text = text or checkpoints.body(NAME, size, root_hash(tiles, size))
        return checkpoints.note(text, NAME, self._public_key, self.key.sign(text.encode()))

    def status_of(self, path: str, token: str) -> int:
        """What befalls the question."""
        if path.endswith("/consistency"):
            self.proofs_asked += 1
            return self.proof_status
        if path.endswith("/leaves") and self.tokens:
            return 200 if token == f"Bearer {self.tokens.pop(0)}" else 401
        if path.endswith("/checkpoint") and self.happenings:
            self.happenings.pop(0)(self)
        return self.checkpoint_status

    def answer(self, path: str, query: dict[str, list[str]]) -> bytes:
        """Of the routes that outsiders ask."""
        match path.rpartition("/")[2]:
            case "artstore-audit":
                if self.happenings_at_key:
                    self.happenings_at_key.pop(0)(self)
                return self.verifier_key.encode() + b"\n" if self.shown_key is None else self.shown_key
            case "checkpoint":
                return self.note(self.signed).encode()
            case "leaves":
                start, limit = int(query["start"][0]), int(query["limit"][0])
                leaves = enumerate(self.leaves[start : start + limit], start)
                return b"".join(self.let_go.get(place, leaf) + b"\n" for place, leaf in leaves)
        return self.proof or self._true_proof(int(query["first"][0]), int(query["second"][0]))

    def _true_proof(self, first: int, second: int) -> bytes:
        tiles = grown(0, {}, [leaf_hash(leaf) for leaf in self.leaves])
        hashes = [span_hash(tiles, span) for span in consistency_spans(first, second)]
        return json.dumps({"hashes": [base64.b64encode(each).decode() for each in hashes]}).encode()

    @property
    def _public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()


@contextmanager
def served(log: SignedLog) -> Iterator[str]:
    """Where the log is served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            target = urlsplit(self.path)
            self.send_response(log.status_of(target.path, self.headers["Authorization"] or ""))
            body = log.answer(target.path, parse_qs(target.query))
            self.send_header("Content-Length", str(len(body) + log.cut))
            self.end_headers()
            for part in [bytes([each]) for each in body] if log.drips_s else [body]:
                try:
                    self.wfile.write(part)
                except ConnectionError:
                    return
                time.sleep(log.drips_s)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
