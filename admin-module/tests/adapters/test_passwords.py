"""Passwords at rest."""

import time

from admin_module.adapters.passwords import Passwords


async def test_a_password_matches_its_own_hash_only() -> None:
    passwords = Passwords()
    password_hash = await passwords.hashed("correct horse")
    assert password_hash.startswith("$argon2id$")
    assert await passwords.match(password_hash, "correct horse")
    assert not await passwords.match(password_hash, "correct house")


async def test_nobody_has_no_password_but_the_work_is_done() -> None:
    passwords = Passwords()
    began = time.process_time()
    assert not await passwords.match(None, "")
    assert time.process_time() - began > 0.01
