"""Which passwords are good enough: long, and hard to guess; of what signs they are made is nobody's business."""

import re
import secrets
import unicodedata
from collections.abc import Iterable

from zxcvbn import zxcvbn

from artstore_kit.contracts.administrators import PASSWORD_LIMIT_BYTES
from artstore_kit.contracts.errors import WeakPassword

SHORTEST = 12
GUESSES_NEEDED = 10**8
"""What zxcvbn (Wheeler, USENIX Security 2016) calls safe against guessing at a slow hash."""
LOOKED_AT = 72
"""Longer ones are judged by their beginning: the time taken grows with the square."""
PRODUCT = "artstore"
_SHORTEST_NAME = 3

_RUSSIAN = "ёйцукенгшщзхъфывапролджэячсмитьбю."
_LATIN = "`qwertyuiop[]asdfghjkl;'zxcvbnm,./"
_SAME_KEYS = str.maketrans(_RUSSIAN + _RUSSIAN[:-1].upper(), _LATIN + _LATIN[:-1].upper())


def temporary_password() -> str:
    """120 random bits, to be changed at the first login."""
    return secrets.token_urlsafe(15)


def prepared(password: str) -> str:
    """The password as it is hashed: the OpaqueString profile of RFC 8265 (blanks alike, then NFC).

    One typed on another keyboard is the same password; NFKC would make different ones equal.
    """
    blanks_alike = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in password)
    return unicodedata.normalize("NFC", blanks_alike)


def require_good(password: str, names: Iterable[str]) -> None:
    """Raise `WeakPassword` unless the password, as `prepared`, is hard to guess for somebody who knows the `names`."""
    if any(unicodedata.category(sign).startswith("C") for sign in password):
        raise WeakPassword("The password holds signs that cannot be seen or typed.")
    if len(password) < SHORTEST:
        raise WeakPassword(f"The password is shorter than {SHORTEST} signs.")
    if len(password.encode()) > PASSWORD_LIMIT_BYTES:
        raise WeakPassword(f"The password is longer than {PASSWORD_LIMIT_BYTES} bytes.")
    for variant in {password, password.translate(_SAME_KEYS), _without(password, names)}:
        _require_many_guesses("".join(variant.split()))  # whoever guesses tries words with and without blanks


def _without(password: str, names: Iterable[str]) -> str:
    """What is left to guess for whoever tries the owner's and the product's names first."""
    known = {name.casefold() for name in (PRODUCT, *names) if len(name) >= _SHORTEST_NAME}
    longest_first = sorted(known, key=lambda name: (-len(name), name))
    return re.sub("|".join(map(re.escape, longest_first)), "", password, flags=re.IGNORECASE)


def _require_many_guesses(password: str) -> None:
    """Common passwords and words of several languages, keyboard rows, dates, repetitions and sequences count little."""
    if not password:
        raise WeakPassword("The password would be guessed too easily. It holds nothing but names and blanks.")
    judged = zxcvbn(password[:LOOKED_AT], max_length=LOOKED_AT)
    if judged["guesses"] < GUESSES_NEEDED:
        reason = judged["feedback"]["warning"] or "Take several words that do not belong together."
        raise WeakPassword(f"The password would be guessed too easily. {reason}")
