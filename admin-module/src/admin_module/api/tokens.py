"""`/auth/token`: tokens for programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from admin_module.api.client_request import TokenRequest, read_token_request
from admin_module.domain.proofs import ASSERTION_TYPE
from admin_module.factory import Services
from artstore_kit.application import services_of
from artstore_kit.contracts.errors import ArtStoreError, InvalidClient
from artstore_kit.contracts.identity import TokenAnswer
from artstore_kit.frame import note_code
from artstore_kit.rights import PUBLIC

_CHALLENGE = 'Basic realm="artstore", charset="UTF-8"'
_NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}

router = APIRouter(prefix="/auth", tags=["tokens"])
Given = Annotated[Services, Depends(services_of(Services))]


class TokenProblem(BaseModel):
    """Why no token is given (RFC 6749 section 5.2)."""

    error: str
    error_description: str


_PARAMETERS = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "const": "client_credentials"},
        "client_id": {"type": "string", "description": "unless sent by HTTP Basic"},
        "client_secret": {"type": "string", "format": "password", "description": "unless sent by HTTP Basic"},
        "client_assertion": {"type": "string", "description": "in the place of a secret: a signed JWT (RFC 7523)"},
        "client_assertion_type": {"type": "string", "const": ASSERTION_TYPE},
        "scope": {"type": "string", "description": "fewer scopes than the account holds, parted by spaces"},
    },
}
_BODY = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {"schema": _PARAMETERS},
        "application/json": {"schema": _PARAMETERS},
    },
}


@router.post(
    "/token",
    responses={400: {"model": TokenProblem}, 401: {"model": TokenProblem}},
    openapi_extra={"requestBody": _BODY, **PUBLIC},
)
async def token(
    asked: Annotated[TokenRequest, Depends(read_token_request)], services: Given, response: Response
) -> TokenAnswer:
    """An access token for a service account: the client credentials grant."""
    response.headers.update(_NEVER_KEPT)
    return await services.tokens.issue(asked.proof, asked.address, asked.scope)


def answer_token_refusal(request: Request, error: Exception) -> Response:
    """The token endpoint's errors have a form of their own."""
    assert isinstance(error, ArtStoreError)
    note_code(request.scope, error.code)
    challenge = {"WWW-Authenticate": _CHALLENGE} if isinstance(error, InvalidClient) else {}
    body = TokenProblem(error=error.code, error_description=error.detail)
    return JSONResponse(body.model_dump(), error.status, {**_NEVER_KEPT, **challenge})
