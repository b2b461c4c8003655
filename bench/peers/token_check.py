"""A full check of the token in every request, as the documents of PyJWT show it; nothing is remembered."""

from collections.abc import Callable, Mapping

import httpx
import jwt
from fastapi import HTTPException, Request

type Claims = Mapping[str, object]


def checker(issuer: str) -> Callable[[Request], Claims]:
    """A dependency; the issuer's keys are fetched once, here."""
    answer = httpx.get(f"{issuer}/.well-known/jwks.json", timeout=30)
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(answer.raise_for_status().json()).keys}

    def check(request: Request) -> Claims:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            claims: Claims = jwt.decode(token, key, algorithms=["RS256"], audience="artstore", issuer=issuer)
        except (jwt.PyJWTError, KeyError) as error:
            raise HTTPException(401) from error
        if "files:write" not in str(claims.get("scope", "")).split():
            raise HTTPException(403)
        return claims

    return check
