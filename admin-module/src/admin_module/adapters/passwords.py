"""Passwords hashed with argon2id, off the event loop and few at a time."""

import asyncio
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

AT_ONCE = 2
"""Each takes 64 MiB and a core for a tenth of a second."""

_NOBODYS_HASH = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Passwords:
    """Hashes and checks passwords, with the parameters of RFC 9106's second choice unless others are given."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._seats = asyncio.Semaphore(AT_ONCE)

    async def hashed(self, password: str) -> str:
        """What is kept of a password."""
        async with self._seats:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def match(
        self, password_hash: str | None, password: str, at_its_turn: Callable[[], None] = lambda: None
    ) -> bool:
        """Whether the hash is of this password; takes as long when there is no hash.

        `at_its_turn` is called before the work: it raises when the answer is not wanted any more.
        """
        async with self._seats:
            at_its_turn()
            return await asyncio.to_thread(self._verify, password_hash or _NOBODYS_HASH, password)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerificationError:
            return False
