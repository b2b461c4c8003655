"""Private keys in the place of secrets (RFC 7523)."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from artstore import ArtStore, UnusableKey
from artstore_kit.contracts.errors import BadCredentials
from artstore_kit.testing.client_keys import ClientKey, client_key
from client.tests.stand_in import CLIENT_ID, Fleet

KINDS = ["RS256", "ES256", "EdDSA"]
P256 = client_key("ES256").private_key


def private_jwk(key: ClientKey, **members: str) -> str:
    kinds = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
    return json.dumps({**kinds[key.algorithm].to_jwk(key.private_key, as_dict=True), **members})  # type: ignore[attr-defined]


@pytest.mark.parametrize("algorithm", KINDS)
@pytest.mark.parametrize("form", ["pem", "jwk"])
async def test_a_key_signs_for_each_token_anew(fleet: Fleet, tmp_path: Path, algorithm: str, form: str) -> None:
    key, path = client_key(algorithm), tmp_path / "key"
    path.write_text(key.pem if form == "pem" else private_jwk(key, kid="mine"))
    fleet.jwk, fleet.token_lifetime_s = key.jwk, 0
    async with ArtStore.connect(fleet.url, client_id=CLIENT_ID, key_file=path) as store:
        for _ in range(3):
            await store.put(b"x", name="a")
    assert len({each["payload"]["jti"] for each in fleet.assertions}) == 3
    assert {each["header"].get("kid") for each in fleet.assertions} == {"mine" if form == "jwk" else None}
    assert all(each["payload"]["exp"] - each["payload"]["iat"] <= 60 for each in fleet.assertions)


async def test_an_assertion_whose_answer_was_lost_is_not_sent_again(fleet: Fleet, tmp_path: Path) -> None:
    """The server has used it up."""
    (tmp_path / "key").write_text(client_key().pem)
    fleet.jwk = client_key().jwk
    fleet.fail("POST", "/auth/token", lose_answer=True)
    async with ArtStore.connect(fleet.url, client_id=CLIENT_ID, key_file=tmp_path / "key") as store:
        await store.put(b"x", name="a")
    assert len(fleet.assertions) == 2


async def test_the_named_algorithm_of_a_key_is_used(fleet: Fleet, tmp_path: Path) -> None:
    key = client_key("RS256")
    (tmp_path / "key").write_text(private_jwk(key, alg="PS256"))
    fleet.jwk = key.jwk | {"alg": "PS256"}
    async with ArtStore.connect(fleet.url, client_id=CLIENT_ID, key_file=str(tmp_path / "key")) as store:
        await store.put(b"x", name="a")
    assert fleet.assertions[0]["header"]["alg"] == "PS256"


async def test_a_key_that_is_not_registered_is_bad_credentials(fleet: Fleet, tmp_path: Path) -> None:
    fleet.jwk = client_key("EdDSA").jwk
    (tmp_path / "key").write_text(client_key("ES256").pem)
    async with ArtStore.connect(fleet.url, client_id=CLIENT_ID, key_file=tmp_path / "key") as store:
        with pytest.raises(BadCredentials):
            await store.put(b"x", name="a")
    assert fleet.tokens_given == 0


UNUSABLE = {
    "nothing": b"",
    "no key": b"hello",
    "a broken jwk": b"{",
    "no jwk": b"{}",
    "a secret": json.dumps({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}).encode(),
    "a public jwk": json.dumps(client_key("ES256").jwk).encode(),
    "a public key": P256.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "a passphrase": P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
    "another curve": ec.generate_private_key(ec.SECP384R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ),
    "another algorithm": private_jwk(ClientKey("RS256", rsa.generate_private_key(65537, 2048)), alg="RS512").encode(),
}


@pytest.mark.parametrize("what", UNUSABLE)
async def test_what_is_no_key_is_told(fleet: Fleet, tmp_path: Path, what: str) -> None:
    (tmp_path / "key").write_bytes(UNUSABLE[what])
    with pytest.raises(UnusableKey, match=r"key cannot be used: \w"):
        async with ArtStore.connect(fleet.url, client_id=CLIENT_ID, key_file=tmp_path / "key"):
            pass
    assert fleet.seen == []
