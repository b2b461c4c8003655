"""How text is cut into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_module.domain.words import LONGEST_WORD, indexed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Договор_2026-03.pdf", "договор 2026 03 pdf"),
        ("ivanovContractV2.docx", "ivanov contract v 2 docx ivanovcontractv"),
        ("PDFFile", "pdf file pdffile"),
        ("ЗаявкаНаОтпуск", "заявка на отпуск заявканаотпуск"),
        ("Приёмка И\u0306од ﬁle x²", "приемка йод file x 2"),
        ("a'b\\c|d&e!f:*(g)<->h\0i", "a b c d e f g h i"),
        ("🦊 — «…» \u202e", ""),
        ("", ""),
    ],
)
def test_words(text: str, words: str) -> None:
    assert indexed(text) == words


def test_a_long_word_is_several() -> None:
    assert indexed("д" * 150) == " ".join("д" * length for length in (LONGEST_WORD, LONGEST_WORD, 22))


@given(st.text())
def test_only_letters_digits_and_spaces_are_left(text: str) -> None:
    assert all(part.isalnum() or not part.isascii() for part in indexed(text).split())
    assert not set(indexed(text)) & set("'\"\\&|!:*<>()_\0")
