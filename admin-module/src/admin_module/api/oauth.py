"""`/auth`: the OAuth endpoints, where programs get tokens, ask what a token is good for, and take it back."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from admin_module.api.client_request import (
    PresentedToken,
    TokenRequest,
    read_presented_token,
    read_token_request,
)
from admin_module.api.never_kept import NEVER_KEPT, never_kept
from admin_module.domain.introspection import TokenState
from admin_module.domain.proofs import ASSERTION_TYPE
from admin_module.factory import Services
from artstore_kit.application import services_of
from artstore_kit.contracts.errors import ArtStoreError, InvalidClient
from artstore_kit.contracts.identity import TokenAnswer
from artstore_kit.frame import note_code
from artstore_kit.rights import PUBLIC

_CHALLENGE = 'Basic realm="artstore", charset="UTF-8"'

router = APIRouter(prefix="/auth", tags=["tokens"], dependencies=[Depends(never_kept)])
Given = Annotated[Services, Depends(services_of(Services))]


class TokenProblem(BaseModel):
    """Why the client is refused (RFC 6749 section 5.2)."""

    error: str
    error_description: str


def _takes(required: str, **parameters: Mapping[str, object]) -> dict[str, Any]:
    """What an OpenAPI operation says of its form, beside how the client proves who it is."""
    schema = {"type": "object", "required": [required], "properties": {**parameters, **_PROOF}}
    kinds = ("application/x-www-form-urlencoded", "application/json")
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}, **PUBLIC}


_PROOF = {
    "client_id": {"type": "string", "description": "unless sent by HTTP Basic"},
    "client_secret": {"type": "string", "format": "password", "description": "unless sent by HTTP Basic"},
    "client_assertion": {"type": "string", "description": "in the place of a secret: a signed JWT (RFC 7523)"},
    "client_assertion_type": {"type": "string", "const": ASSERTION_TYPE},
}
_ASKS = _takes(
    "grant_type",
    grant_type={"type": "string", "const": "client_credentials"},
    scope={"type": "string", "description": "fewer scopes than the account holds, parted by spaces"},
)
_SHOWS = _takes("token", token={"type": "string"}, token_type_hint={"type": "string"})
_REFUSALS: dict[int | str, dict[str, Any]] = {400: {"model": TokenProblem}, 401: {"model": TokenProblem}}


@router.post("/token", responses=_REFUSALS, openapi_extra=_ASKS)
async def token(asked: Annotated[TokenRequest, Depends(read_token_request)], services: Given) -> TokenAnswer:
    """An access token for a service account: the client credentials grant."""
    return await services.tokens.issue(asked.proof, asked.address, asked.scope)


@router.post(
    "/introspect",
    responses=_REFUSALS,
    openapi_extra=_SHOWS,
    response_model_exclude_none=True,
)
async def introspect(shown: Annotated[PresentedToken, Depends(read_presented_token)], services: Given) -> TokenState:
    """Whether a token is good, and what it says (RFC 7662): access tokens and refresh tokens.

    The client needs the scope `tokens:introspect`.
    """
    return await services.presented.state(shown.proof, shown.address, shown.token)


@router.post("/revoke", responses=_REFUSALS, openapi_extra=_SHOWS)
async def revoke(shown: Annotated[PresentedToken, Depends(read_presented_token)], services: Given) -> Response:
    """Take a token back (RFC 7009): a client its own, one with the scope `tokens:revoke` anybody's.

    A refresh token ends its session.
    """
    await services.presented.revoke(shown.proof, shown.address, shown.token)
    return Response(headers=NEVER_KEPT)


def answer_token_refusal(request: Request, error: Exception) -> Response:
    """The token endpoint's errors have a form of their own."""
    assert isinstance(error, ArtStoreError)
    note_code(request.scope, error.code)
    challenge = {"WWW-Authenticate": _CHALLENGE} if isinstance(error, InvalidClient) else {}
    body = TokenProblem(error=error.code, error_description=error.detail)
    return JSONResponse(body.model_dump(), error.status, {**NEVER_KEPT, **challenge})
