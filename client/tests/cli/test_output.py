"""What a terminal may be shown."""

import pytest

from artstore.cli.output import human, safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Ünïcode Отчёт 报告", "plain Ünïcode Отчёт 报告"),
        ("\x1b[31m\x07\x9b\x7f", "\\x1b[31m\\x07\\x9b\\x7f"),
        ("a\tb\r\nc", "a\\tb\\r\\nc"),
        ("\u202a\u202e\u2066\u2069\u200e\u200f\u061c", "\\u202a\\u202e\\u2066\\u2069\\u200e\\u200f\\u061c"),
        ("\u2028\ufeff\udc80", "\\u2028\\ufeff\\udc80"),
        ("👩\u200d🚀 می\u200cخواهم", "👩\u200d🚀 می\u200cخواهم"),
    ],
)
def test_only_what_is_harmless_is_shown_as_it_is(text: str, shown: str) -> None:
    assert safe(text) == shown


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_500_000, "1.5 MB"), (3e15, "3.0 PB")]
)
def test_sizes_are_decimal(size: float, shown: str) -> None:
    assert human(size) == shown
