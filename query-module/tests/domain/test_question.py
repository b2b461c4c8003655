"""What people type, made into a tsquery."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artstore_kit.contracts.errors import InvalidFields
from query_module.domain.question import LONGEST_QUESTION, MOST_WORDS, to_tsquery


@pytest.mark.parametrize(
    ("question", "tsquery"),
    [
        ("договор", "(('договор'))"),
        ("Договор Аренды", "(('договор') & ('аренды'))"),
        ("договор -аренды", "(('договор') & !('аренды'))"),
        ('"договор аренды"', "(('договор' <-> 'аренды'))"),
        ('"договор', "(('договор'))"),
        ("a or b или c | d", "(('a')) | (('b')) | (('c')) | (('d'))"),
        ("or a or", "(('a'))"),
        ("act-2026/3", "(('act' <-> '2026' <-> '3'))"),
        ("iPhone", "((('i' <-> 'phone') | 'iphone'))"),
        ("-iPhone x", "(!(('i' <-> 'phone') | 'iphone') & ('x'))"),
        ("догов*", "(('догов':*))"),
        ("инв-20*", "(('инв' <-> '20':*))"),
        ("a*", "(('a'))"),
        ('"догов*"', "(('догов'))"),
        ("a - b", "(('a') & ('b'))"),
        ("--a b", "(!('a') & ('b'))"),
    ],
)
def test_questions(question: str, tsquery: str) -> None:
    assert to_tsquery(question) == tsquery


@pytest.mark.parametrize(
    "question",
    [
        "",
        "...",
        "🦊",
        "\x00",
        "-",
        "or",
        '""',
        "* * *",
        "-договор",
        "a or -b",
        "-a -b",
        "!&|",
        "д" * (LONGEST_QUESTION + 1),
        " ".join(f"w{n}" for n in range(MOST_WORDS)),
    ],
)
def test_refused(question: str) -> None:
    with pytest.raises(InvalidFields) as refused:
        to_tsquery(question)
    assert refused.value.errors[0].field == "q"


@given(st.text(max_size=200))
def test_nothing_but_words_reaches_postgresql(question: str) -> None:
    try:
        tsquery = to_tsquery(question)
    except InvalidFields:
        return
    assert re.fullmatch(r"(?:'[^\W_]+'|:\*|<->|[ ()&|!])+", tsquery) or not tsquery.isascii()
    assert tsquery.count("(") == tsquery.count(")")
