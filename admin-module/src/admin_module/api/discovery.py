"""`/.well-known`: signing keys, metadata of the authorization server, and where the fleet's services are."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from admin_module.domain.metadata import ServerMetadata
from admin_module.factory import Services
from artstore_kit.application import services_of
from artstore_kit.contracts.identity import FleetAddresses
from artstore_kit.rights import PUBLIC

_KEPT_FOR_A_MINUTE = "public, max-age=60"

router = APIRouter(prefix="/.well-known", tags=["discovery"])
Given = Annotated[Services, Depends(services_of(Services))]


@router.get("/jwks.json", openapi_extra=PUBLIC)
async def keys(services: Given, response: Response) -> dict[str, Any]:
    """The public keys of all tokens that can be valid (RFC 7517)."""
    response.headers["Cache-Control"] = _KEPT_FOR_A_MINUTE
    return dict(await services.keyring.published())


@router.get("/oauth-authorization-server", openapi_extra=PUBLIC)
async def metadata(services: Given, response: Response) -> ServerMetadata:
    """How to get tokens (RFC 8414)."""
    response.headers["Cache-Control"] = _KEPT_FOR_A_MINUTE
    return services.metadata


@router.get("/artstore-audit", openapi_extra=PUBLIC, response_class=Response)
async def audit_key(services: Given) -> Response:
    """The key with which the audit log's checkpoints are signed, as checkers of signed notes take it."""
    headers = {"Cache-Control": _KEPT_FOR_A_MINUTE}
    return Response(services.checkpoints.key.verifier_key + "\n", media_type="text/plain", headers=headers)


@router.get("/artstore", openapi_extra=PUBLIC)
async def addresses(services: Given, response: Response) -> FleetAddresses:
    """Where clients reach the fleet."""
    response.headers["Cache-Control"] = _KEPT_FOR_A_MINUTE
    return services.addresses
