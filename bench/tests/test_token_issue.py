"""What is measured of tokens, without a fleet: checks really check, signatures really count."""

import asyncio

import pytest

from artstore_kit.contracts.errors import NotAuthenticated
from artstore_kit.testing.tokens import TokenMint
from bench import token_issue
from bench.jobs import Post
from bench.load import _form


def test_unknown_and_remembered_tokens_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_issue, "FRESH_TOKENS", 5)
    fresh = asyncio.run(token_issue._fresh(TokenMint()))
    assert 0 < fresh < asyncio.run(token_issue._remembered(TokenMint(), 0.1))


def test_a_bad_token_is_no_figure() -> None:
    class Forger(TokenMint):
        def jwks(self) -> dict[str, object]:
            return TokenMint().jwks()

    with pytest.raises(NotAuthenticated):
        asyncio.run(token_issue._fresh(Forger()))


def test_signatures_are_counted() -> None:
    assert token_issue._signatures_per_s(0.05) > 10


def test_a_form_is_sent_with_its_length() -> None:
    sending = _form(Post(port=1, path="/token", form="a=b&c=d"))
    head, _, body = sending.head.partition(b"\r\n\r\n")
    assert b"POST /token HTTP/1.1" in head
    assert b"Content-Length: 7" in head
    assert body == b"a=b&c=d"
