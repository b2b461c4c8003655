"""Client secrets."""

from admin_module.config import SECRET_MIN_LENGTH
from admin_module.domain.secrets import hashed, matches, new_secret


def test_secrets_are_long_and_never_the_same() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) >= SECRET_MIN_LENGTH for secret in made)


def test_a_secret_matches_its_own_hash_among_others() -> None:
    secret = new_secret()
    assert matches(secret, [hashed(new_secret()), hashed(secret)])
    assert not matches(secret, [hashed(new_secret())])


def test_nothing_matches_no_hash() -> None:
    assert not matches("", [])
