"""Tokens that every service must refuse, made by a thief of the very key that signs: one thing is wrong in each."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from artstore_kit.testing.tokens import TokenMint

type Claims = Mapping[str, Any]


def hostile_tokens(mint: TokenMint, lair: str = "http://127.0.0.1:1") -> dict[str, str]:
    """By what is wrong with each. Some name a key at `lair`, an address of the thief's own."""
    return {
        **_without_our_signature(mint),
        **_with_another_head(mint, lair),
        **_with_other_claims(mint, lair),
        **_of_another_form(mint),
        **_said_twice(mint),
    }


def _without_our_signature(mint: TokenMint) -> dict[str, str]:
    good = mint.mint()
    head, body, signature = good.split(".")
    secrets = {
        "PEM": _public(mint, Encoding.PEM),
        "PEM without its last line end": _public(mint, Encoding.PEM).strip(),
        "DER": _public(mint, Encoding.DER),
        "JWK": json.dumps(_jwk(mint)).encode(),
        "nothing": b"",
    }
    return {
        **{f"alg {name!r}, unsigned": _unsigned(mint, name) for name in ("none", "None", "NONE", "nOnE", "", " none")},
        "alg none, signed": f"{_unsigned(mint, 'none')}{signature}",
        **{f"HS256 with {name}": _hmac(mint, "HS256", secret) for name, secret in secrets.items()},
        **{f"HS512 with {name}": _hmac(mint, "HS512", secret) for name, secret in secrets.items()},
        "RS384": _signed(mint, _head(mint, alg="RS384"), _claims(mint), SHA384()),
        "PS256": _pss(mint, _head(mint, alg="PS256")),
        "PS256 in the name of RS256": _pss(mint, _head(mint)),
        "RS384 in the name of RS256": _signed(mint, _head(mint), _claims(mint), SHA384()),
        "a stranger's key": TokenMint(mint.issuer, key_id="stranger").mint(),
        "a stranger's key in our name": TokenMint(mint.issuer, key_id=mint.key_id).mint(),
        "another's signature": f"{head}.{body}.{mint.mint('another').rpartition('.')[2]}",
        "a changed claim": f"{head}.{_part(_claims(mint) | {'sub': 'admin'})}.{signature}",
        "no signature": f"{head}.{body}.",
        "half a signature": f"{head}.{body}.{signature[: len(signature) // 2]}",
        "a longer signature": f"{head}.{body}.{_base64(b'\0' + _bytes(signature))}",
        "a signature plus the modulus": f"{head}.{body}.{_base64(_plus_modulus(mint, _bytes(signature)))}",
        "a changed bit": f"{head}.{body}.{_base64(_changed(_bytes(signature)))}",
    }


def _with_another_head(mint: TokenMint, lair: str) -> dict[str, str]:
    kids: list[Any] = ["", "../../etc/passwd", "' OR 1=1 --", "k" * 5000, None, 7, ["test-key"], {}, "unknown\0"]
    wrong: dict[str, Mapping[str, Any]] = {
        **{f"kid {kid!r:.30}": {"kid": kid} for kid in kids},
        "jwk": {"jwk": _jwk(mint)},
        "jku": {"jku": f"{lair}/jwks.json"},
        "jku with an unknown kid": {"jku": f"{lair}/jwks.json", "kid": "in the lair"},
        "x5u": {"x5u": f"{lair}/key.pem"},
        "x5u with an unknown kid": {"x5u": f"{lair}/key.pem", "kid": "in the lair"},
        "a kid that is an address": {"kid": f"{lair}/key.pem"},
        "x5c": {"x5c": [_base64(_public(mint, Encoding.DER))]},
        "x5t": {"x5t": "AAAA"},
        "crit": {"crit": ["exp"]},
        "crit with an unknown member": {"crit": ["x"], "x": 1},
        "an empty crit": {"crit": []},
        "b64 false": {"b64": False, "crit": ["b64"]},
        "zip": {"zip": "DEF"},
        "cty JWT": {"cty": "JWT"},
        "alg as a list": {"alg": ["RS256"]},
        "alg in small letters": {"alg": "rs256"},
        **{
            f"typ {typ!r}": {"typ": typ}
            for typ in ("JWT", "", None, "id_token+jwt", "logout+jwt", "approval+jwt", "refresh+jwt", ["at+jwt"], 1)
        },
    }
    tokens = {name: _signed(mint, _head(mint, **members), _claims(mint)) for name, members in wrong.items()}
    for left_out in ("typ", "kid", "alg"):
        head = {name: value for name, value in _head(mint).items() if name != left_out}
        tokens[f"no {left_out}"] = _signed(mint, head, _claims(mint))
    return tokens


def _with_other_claims(mint: TokenMint, lair: str) -> dict[str, str]:
    now = int(time.time())
    wrong: dict[str, list[Any]] = {
        "aud": ["other", "", [mint.audience], [mint.audience, "other"], [], None, {}, mint.audience.upper()],
        "iss": [lair, "http://elsewhere.test", f"{mint.issuer}/", "", None, [mint.issuer], mint.issuer.upper()],
        "exp": [now - 120, str(now + 900), now + 900.5, float("nan"), float("inf"), -1, 0, True, None, 10**12, 10**400],
        "iat": [now + 3600, str(now), now - 0.5, None, -now, True, now + 899_999],
        "nbf": [now + 3600, str(now), None, [now]],
        "sub": [7, "", None, ["tester"], {"name": "tester"}, "a\0b", "s" * 5000],
        "client_id": [7, None, ""],
        "jti": [7, None, "", []],
        "scope": [["files:read"], 7, None, {}],
        "grants": ["*", {}, None, 7, [{}], [{"collection": "*"}], [{"collection": "*", "actions": ["own"]}], [7]],
        "roles": ["super_admin", {}, None, [7]],
    }
    tokens = {
        f"{name} {value!r:.40}": _signed(mint, _head(mint), _claims(mint) | {name: value})
        for name, values in wrong.items()
        for value in values
    }
    for name in ("aud", "iss", "exp", "iat", "sub", "client_id", "jti"):
        claims = {each: value for each, value in _claims(mint).items() if each != name}
        tokens[f"no {name}"] = _signed(mint, _head(mint), claims)
    return tokens


def _of_another_form(mint: TokenMint) -> dict[str, str]:
    good = mint.mint()
    head, body, signature = good.split(".")
    nested = json.dumps({"payload": body, "signatures": [{"protected": head, "signature": signature}]})
    return {
        "one word": "nonsense",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "five parts, as of an encrypted token": f"{head}.{body}.{body}.{body}.{signature}",
        "a point at the end": f"{good}.",
        "a point at the beginning": f".{good}",
        "empty parts": "..",
        "a blank inside": f"{head}. {body}.{signature}",
        "a tab at the end": f"{good}\t.",
        "padding": f"{head}={'=' * (-len(head) % 4)}.{body}.{signature}",
        "plain base64": f"{head}.{body}.{signature[:-2]}+/",
        "a second spelling of the signature": f"{head}.{body}.{_respelt(signature)}",
        "huge": f"{head}.{body}.{'A' * 20_000}",
        "a body that is a list": _signed(mint, _head(mint), [_claims(mint)]),
        "a body that is a token": _signed(mint, _head(mint), good),
        "a body that is no JSON": _signed(mint, _head(mint), b"{exp}"),
        "a body that is no UTF-8": _signed(mint, _head(mint), b'{"sub": "\xff"}'),
        "a body that is very deep": _signed(mint, _head(mint), b"[" * 5000),
        "a head that is a list": _signed(mint, [_head(mint)], _claims(mint)),
        "the JSON form": _base64(nested.encode()),
    }


def _said_twice(mint: TokenMint) -> dict[str, str]:
    claims, head = json.dumps(dict(_claims(mint))), json.dumps(dict(_head(mint)))
    twice = {"sub": '"admin"', "exp": "9999999999", "scope": '"files:read"'}
    tokens = {
        f"{name} twice": _signed(mint, _head(mint), f'{claims[:-1]}, "{name}": {value}}}'.encode())
        for name, value in twice.items()
    }
    tokens["alg twice"] = _signed(mint, f'{{"alg": "none", {head[1:]}'.encode(), _claims(mint))
    tokens["kid twice"] = _signed(mint, f'{{"kid": "other", {head[1:]}'.encode(), _claims(mint))
    tokens["a member of a grant twice"] = _signed(
        mint, _head(mint), f'{claims[:-1]}, "x": {{"a": 1, "a": 2}}}}'.encode()
    )
    return tokens


def _claims(mint: TokenMint) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(_bytes(mint.mint().split(".")[1]))
    return claims


def _head(mint: TokenMint, **members: object) -> dict[str, Any]:
    return {"alg": "RS256", "typ": "at+jwt", "kid": mint.key_id} | members


def _signed(mint: TokenMint, head: object, body: object, digest: HashAlgorithm | None = None) -> str:
    signed = f"{_part(head)}.{_part(body)}"
    return f"{signed}.{_base64(mint._key.sign(signed.encode(), PKCS1v15(), digest or SHA256()))}"


def _pss(mint: TokenMint, head: object) -> str:
    signed = f"{_part(head)}.{_part(_claims(mint))}"
    return f"{signed}.{_base64(mint._key.sign(signed.encode(), PSS(MGF1(SHA256()), 32), SHA256()))}"


def _hmac(mint: TokenMint, algorithm: str, secret: bytes) -> str:
    signed = f"{_part(_head(mint, alg=algorithm))}.{_part(_claims(mint))}"
    digest = hashlib.sha256 if algorithm == "HS256" else hashlib.sha512
    return f"{signed}.{_base64(hmac.digest(secret, signed.encode(), digest))}"


def _unsigned(mint: TokenMint, algorithm: str) -> str:
    return f"{_part(_head(mint, alg=algorithm))}.{_part(_claims(mint))}."


def _public(mint: TokenMint, encoding: Encoding) -> bytes:
    return mint._key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def _jwk(mint: TokenMint) -> Any:
    return mint.jwks()["keys"][0]  # type: ignore[index]


def _plus_modulus(mint: TokenMint, signature: bytes) -> bytes:
    number = int.from_bytes(signature) + mint._key.public_key().public_numbers().n
    return number.to_bytes(len(signature) + 1)


def _changed(signature: bytes) -> bytes:
    return signature[:-1] + bytes([signature[-1] ^ 1])


def _respelt(part: str) -> str:
    """The same bytes, with bits set that base64 does not use; a part that uses all bits is cut instead."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    if len(part) % 4 == 0:
        return part[:-1]
    return part[:-1] + alphabet[alphabet.index(part[-1]) + 1]


def _part(content: object) -> str:
    return _base64(content if isinstance(content, bytes) else json.dumps(content).encode())


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
