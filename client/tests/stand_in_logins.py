"""The stand-in's tokens: for an account with its secret or key, and for a person."""

from collections.abc import Mapping
from typing import Any

import jwt
from aiohttp import web
from jwt.types import Options

from artstore_kit.contracts import errors
from artstore_kit.contracts.identity import TokenAnswer
from client.tests.stand_in import CLIENT_ID, CLIENT_SECRET, CODE, Fleet
from client.tests.stand_in_places import FLEET, json_of

ISSUER = "https://fleet.test"


def add_to(app: web.Application) -> None:
    """Its routes."""
    app.router.add_get("/.well-known/oauth-authorization-server", _metadata)
    app.router.add_post("/api/v1/auth/token", _token)
    app.router.add_post("/api/v1/auth/login", _login)
    app.router.add_post("/api/v1/auth/password", _password)


async def _metadata(_: web.Request) -> web.Response:
    return web.json_response({"issuer": ISSUER, "token_endpoint": "https://fleet.test/elsewhere"})


async def _token(request: web.Request) -> web.Response:
    form, fleet = await request.post(), request.app[FLEET]
    if form["grant_type"] == "client_credentials" and (_is_signed(form, fleet) or _has_secret(form)):
        return _new_token(fleet)
    refusal = {"error": "invalid_client", "error_description": "The client id or the secret is wrong."}
    return web.json_response(refusal, status=401)


def _has_secret(form: Mapping[str, Any]) -> bool:
    return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)


def _is_signed(form: Mapping[str, Any], fleet: Fleet) -> bool:
    """Each assertion is good once."""
    if form.get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" or not fleet.jwk:
        return False
    key = jwt.PyJWK.from_dict(fleet.jwk)
    needed: Options = {"require": ["iss", "sub", "aud", "exp", "iat", "jti"]}
    try:
        whole = jwt.decode_complete(form["client_assertion"], key, audience=ISSUER, issuer=CLIENT_ID, options=needed)
    except jwt.PyJWTError:
        return False
    is_new = whole["payload"]["jti"] not in [each["payload"]["jti"] for each in fleet.assertions]
    fleet.assertions.append(whole)
    return is_new and whole["payload"]["sub"] == CLIENT_ID


async def _login(request: web.Request) -> web.Response:
    fleet, told = request.app[FLEET], await request.json()
    _require_person(fleet, told, told.get("password"))
    if fleet.is_temporary:
        raise errors.PasswordChangeRequired
    return _new_token(fleet)


async def _password(request: web.Request) -> web.Response:
    fleet, told = request.app[FLEET], await request.json()
    _require_person(fleet, told, told["old_password"])
    fleet.password, fleet.is_temporary = told["new_password"], False
    return web.Response(status=204)


def _require_person(fleet: Fleet, told: dict[str, str], password: str | None) -> None:
    if (told["username"], password) != ("admin", fleet.password):
        raise errors.BadCredentials
    if fleet.has_second_factor and "code" not in told:
        raise errors.TotpRequired
    if told.get("code", CODE) != CODE:
        raise errors.TotpCodeWrong


def _new_token(fleet: Fleet) -> web.Response:
    fleet.tokens_given += 1
    token = f"token-{fleet.tokens_given}"
    fleet.tokens.add(token)
    answer = TokenAnswer(access_token=token, expires_in=fleet.token_lifetime_s, scope="files:read files:write")
    return json_of(answer.model_dump_json())
