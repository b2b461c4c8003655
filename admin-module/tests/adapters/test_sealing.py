"""Signing keys at rest."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from admin_module.adapters.sealing import SealedKeys, signed
from artstore_kit.settings import WrongSettings

SEALING_KEY = bytes(range(32))
keys = SealedKeys(SEALING_KEY)


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, str], bytes]:
    return keys.generate()


def test_a_key_pair_is_rsa_3072_and_opens_again(made: tuple[dict[str, str], bytes]) -> None:
    public_jwk, sealed = made
    private_key = keys.open(public_jwk["kid"], sealed)
    assert private_key.key_size == 3072
    token = signed({"sub": "me"}, public_jwk["kid"], private_key)
    public_key = jwt.PyJWK(public_jwk).key
    assert isinstance(public_key, RSAPublicKey)
    assert jwt.decode(token, public_key, ["RS256"]) == {"sub": "me"}
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": public_jwk["kid"], "typ": "at+jwt"}


def test_nothing_private_is_published_or_readable(made: tuple[dict[str, str], bytes]) -> None:
    public_jwk, sealed = made
    assert set(public_jwk) == {"kty", "n", "e", "kid", "use", "alg"}
    assert b"PRIVATE KEY" not in sealed


def test_another_sealing_key_does_not_open_it(made: tuple[dict[str, str], bytes]) -> None:
    public_jwk, sealed = made
    with pytest.raises(WrongSettings, match="ARTSTORE_KEYS__SEALING_KEY"):
        SealedKeys(bytes(32)).open(public_jwk["kid"], sealed)


def test_a_sealed_key_is_bound_to_its_kid(made: tuple[dict[str, str], bytes]) -> None:
    with pytest.raises(WrongSettings):
        keys.open("another", made[1])


@pytest.mark.parametrize("where", [1, 20, -1])
def test_an_altered_seal_does_not_open(made: tuple[dict[str, str], bytes], where: int) -> None:
    public_jwk, sealed = made
    altered = bytearray(sealed)
    altered[where] ^= 1
    with pytest.raises(WrongSettings):
        keys.open(public_jwk["kid"], bytes(altered))


def test_one_of_the_previous_keys_opens_it_and_the_newest_seals(made: tuple[dict[str, str], bytes]) -> None:
    public_jwk, sealed = made
    both = SealedKeys(bytes(32), SEALING_KEY)
    assert both.open(public_jwk["kid"], sealed).key_size == 3072
    anew = both.seal("name", b"secret")
    assert SealedKeys(bytes(32)).unseal("name", anew) == b"secret"
    assert [both.is_newest(each) for each in (sealed, anew)] == [False, True]


def test_what_the_first_version_sealed_is_opened_still() -> None:
    nonce = bytes(12)
    sealed = b"\x01" + nonce + AESGCM(SEALING_KEY).encrypt(nonce, b"secret", b"name")
    both = SealedKeys(bytes(32), SEALING_KEY)
    assert both.unseal("name", sealed) == b"secret"
    assert not keys.is_newest(sealed)
