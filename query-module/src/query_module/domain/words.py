"""How text is cut into words, the same for what is indexed and for what is asked."""

import re
import unicodedata

LONGEST_WORD = 64
"""Characters; a longer word is several."""

_WORD = re.compile(rf"\d{{1,{LONGEST_WORD}}}|[^\W\d_]{{1,{LONGEST_WORD}}}")
_UPPER, _LOWER = "A-ZА-ЯЁ", "a-zа-яё"
_CAMEL = re.compile(f"(?<=[{_LOWER}])(?=[{_UPPER}])|(?<=[{_UPPER}])(?=[{_UPPER}][{_LOWER}])")


def cut(text: str) -> list[str]:
    """The words of `text`, cut at punctuation, digits and capitals: `ActOf_2026` is `act`, `of`, `2026`."""
    return _words(_CAMEL.sub(" ", _composed(text)))


def uncut(text: str) -> list[str]:
    """The words of `text`, not cut at capitals: who looks for `iphone` means `iPhone` too."""
    return _words(_composed(text))


def indexed(text: str) -> str:
    """Everything by which `text` can be found, parted by spaces: its words in order, then those that were cut."""
    text = _composed(text)
    apart = _CAMEL.sub(" ", text)
    words = _words(apart)
    if apart != text:
        known = set(words)
        words += [word for word in _words(text) if word not in known]
    return " ".join(words)


def _composed(text: str) -> str:
    """A Mac writes `й` as two characters."""
    return unicodedata.normalize("NFKC", text)


def _words(text: str) -> list[str]:
    """In lower case, with `ё` as `е`: people write either."""
    return _WORD.findall(text.lower().replace("ё", "е"))
