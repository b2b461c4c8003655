"""Which passwords are good enough, and which are the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_module.domain.passwords import prepared, require_good
from artstore_kit.contracts.errors import WeakPassword

GOOD = [
    "correct horse battery staple",
    "Jd83jfk29dkq",
    "vier Fahrräder im Regen",
    "четыре велосипеда под дождём",
    "犬が四匹雨の中を走っていた夜",
    "artstore keeps my grandmother's teapot",
    "x7!" * 3 + " under the fourth lamp",
    "a long sentence that I can type without thinking, and that nobody else would think of " * 11,
]
GUESSED = [
    "password1234",
    "Password2024!",
    "P@ssw0rd1234",
    "qwertyuiop12",
    "1qaz2wsx3edc",
    "iloveyou1234",
    "letmeinletmein",
    "administrator1!",
    "aaaaaaaaaaaa",
    "abcabcabcabcabc",
    "abcdefghijklmnop",
    "123456789012",
    "19841984198419",
    "йцукенгшщзхъ",
    "пароль пароль",
    "gfhjkmgfhjkm",
    " " * 12,
    "x" * 1024,
]
NAMES = ("grace.hopper", "Grace", "Hopper")
OF_NAMES = ["grace.hopper", "GraceHopper2026", "artstoreartstore", "ArtStore-Grace-1", "grace hopper artstore"]


@pytest.mark.parametrize("password", GOOD)
def test_good_ones(password: str) -> None:
    require_good(prepared(password), NAMES)


@pytest.mark.parametrize("password", GUESSED)
def test_what_everybody_tries_first(password: str) -> None:
    with pytest.raises(WeakPassword, match="too easily"):
        require_good(prepared(password), NAMES)


@pytest.mark.parametrize("password", OF_NAMES)
def test_the_owners_and_the_products_names(password: str) -> None:
    with pytest.raises(WeakPassword):
        require_good(prepared(password), NAMES)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("k7#mQz2vX9w", "shorter than 12"),
        ("ы" * 513, "longer than 1024 bytes"),
        ("correct\x00horse battery", "cannot be seen"),
        ("correct\thorse battery", "cannot be seen"),
        ("correct\u200bhorse battery", "cannot be seen"),
        ("correct\ue000horse battery", "cannot be seen"),
        ("correct\ud800horse battery", "cannot be seen"),
    ],
)
def test_lengths_and_signs(password: str, reason: str) -> None:
    with pytest.raises(WeakPassword, match=reason):
        require_good(prepared(password), NAMES)


def test_twelve_signs_are_enough_of_any_kind() -> None:
    require_good("zbkfwqmxtjvh", ())


def test_one_password_from_two_keyboards() -> None:
    """RFC 8265 section 4.2: blanks alike, composed and decomposed alike, and nothing else."""
    assert prepared("cafe\u0301\u00a0au lait") == "caf\u00e9 au lait"
    assert prepared("Ｆｕｌｌ ｗｉｄｔｈ") == "Ｆｕｌｌ ｗｉｄｔｈ"
    assert prepared("Case Matters ") == "Case Matters "


@given(st.text())
def test_preparing_twice_changes_nothing(password: str) -> None:
    once = prepared(password)
    assert prepared(once) == once == unicodedata.normalize("NFC", once)


def test_a_refusal_does_not_repeat_the_password() -> None:
    for password in [*GUESSED, *OF_NAMES]:
        with pytest.raises(WeakPassword) as refused:
            require_good(prepared(password), NAMES)
        assert password.strip() == "" or password not in str(refused.value)
