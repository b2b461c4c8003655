"""`./fleet witness` keeps what it saw, and complains when the log does not go on from it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from admin_module.domain import checkpoints
from admin_module.domain.merkle import consistency_spans, grown, leaf_hash, root_hash, span_hash
from tools.fleet.command_line import parse
from tools.fleet.errors import FleetError

NAME = "store.test/audit"


@dataclass
class SignedLog:
    """Leaves and a key: what an admin module answers of its log."""

    leaves: list[bytes]
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def answer(self, path: str, query: dict[str, list[str]]) -> bytes:
        tiles = grown(0, {}, [leaf_hash(leaf) for leaf in self.leaves])
        public_key, size = self.key.public_key().public_bytes_raw(), len(self.leaves)
        match path:
            case "/.well-known/artstore-audit":
                return checkpoints.verifier_key(NAME, public_key).encode() + b"\n"
            case "/api/v1/audit/checkpoint":
                text = checkpoints.body(NAME, size, root_hash(tiles, size))
                return checkpoints.note(text, NAME, public_key, self.key.sign(text.encode())).encode()
        first, second = int(query["first"][0]), int(query["second"][0])
        hashes = [span_hash(tiles, span) for span in consistency_spans(first, second)]
        return json.dumps({"hashes": [base64.b64encode(each).decode() for each in hashes]}).encode()


@pytest.fixture
def log() -> SignedLog:
    return SignedLog([str(number).encode() for number in range(300)])


@pytest.fixture
def url(log: SignedLog) -> Iterator[str]:
    """Where the log is served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            target = urlsplit(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(log.answer(target.path, parse_qs(target.query)))

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "witness" / "kept.jsonl"


def look(url: str, kept: Path) -> int:
    options = parse(["witness", str(kept), "--log", url, "--once"])
    code: int = options.run(options)
    return code


def test_what_is_signed_is_kept_once(log: SignedLog, url: str, kept: Path) -> None:
    assert [look(url, kept) for _ in range(2)] == [0, 0]
    log.leaves.append(b"another")
    assert look(url, kept) == 0
    key, *notes = [json.loads(line) for line in kept.read_text().splitlines()]
    assert key["key"].startswith(f"{NAME}+")
    assert [each["note"].split("\n")[1] for each in notes] == ["300", "301"]


@pytest.mark.parametrize("count", [1, 255, 256, 300])
def test_a_log_that_grows_from_any_size_is_consistent(log: SignedLog, url: str, kept: Path, count: int) -> None:
    whole, log.leaves = log.leaves, log.leaves[:count]
    assert look(url, kept) == 0
    log.leaves = whole
    assert look(url, kept) == 0


@pytest.mark.parametrize("added", [0, 7])
def test_a_fork_is_told_loudly(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str], added: int
) -> None:
    look(url, kept)
    before = kept.read_text()
    log.leaves[17] = b"edited, and signed with the real key"
    log.leaves += [b"more"] * added
    assert look(url, kept) == 1
    said = capsys.readouterr().out
    assert f"*** THE AUDIT LOG OF {url} IS NOT WHAT IT WAS ***" in said
    assert "\nforked: " in said
    assert kept.read_text() == before


def test_a_log_that_is_shorter_was_rolled_back(
    log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    look(url, kept)
    del log.leaves[-1]
    assert look(url, kept) == 1
    assert "\nrolled back: the log signs 299 entries; " in capsys.readouterr().out


def test_another_key_is_not_believed(log: SignedLog, url: str, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    look(url, kept)
    log.key = Ed25519PrivateKey.generate()
    assert look(url, kept) == 1
    assert "\nforged: " in capsys.readouterr().out


def test_a_log_that_cannot_be_asked_is_no_fork(url: str, kept: Path) -> None:
    look(url, kept)
    with pytest.raises(FleetError, match="cannot be asked"):
        look("http://127.0.0.1:1", kept)


def test_a_file_that_is_none_is_told(url: str, kept: Path) -> None:
    kept.parent.mkdir()
    kept.write_text("not a witness's file\n")
    with pytest.raises(FleetError, match="cannot be read"):
        look(url, kept)
