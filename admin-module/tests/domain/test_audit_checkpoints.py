"""Checkpoints as the C2SP specifications write them."""

import base64
from hashlib import sha256

from admin_module.domain.checkpoints import body, log_name, note, verifier_key

KEY = bytes(range(32))


def test_the_text_of_a_checkpoint() -> None:
    assert (
        body("example.test/audit", 3, bytes(32)) == f"example.test/audit\n3\n{base64.b64encode(bytes(32)).decode()}\n"
    )


def test_the_log_is_named_after_its_first_address() -> None:
    assert log_name("https://store.test:8000/base") == "store.test:8000/audit"


def test_a_verifier_key_has_name_id_and_key() -> None:
    """The id of a key: the first four bytes of SHA-256 over name, newline, 0x01 and the key."""
    key_id = sha256(b"log\n\x01" + KEY).digest()[:4]
    assert verifier_key("log", KEY) == f"log+{key_id.hex()}+{base64.b64encode(b'\x01' + KEY).decode()}"
    line = note("text\n", "log", KEY, bytes(64)).removeprefix("text\n\n")
    assert line == f"— log {base64.b64encode(key_id + bytes(64)).decode()}\n"
