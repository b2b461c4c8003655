"""`/auth/login`, `/auth/refresh`, `/auth/logout`, `/auth/password`: how people come in, stay and go."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from admin_module.api.never_kept import never_kept
from admin_module.domain.credentials import Credentials
from admin_module.domain.sessions import Caller
from admin_module.factory import Services
from artstore_kit import request_context
from artstore_kit.application import services_of
from artstore_kit.contracts.administrators import Code, Login, LoginAnswer, NewPassword, Password, Refresh
from artstore_kit.rights import PUBLIC

router = APIRouter(prefix="/auth", tags=["login"], dependencies=[Depends(never_kept)])
Given = Annotated[Services, Depends(services_of(Services))]


def caller_of(request: Request) -> Caller:
    """From where a request comes."""
    return Caller(request_context.address(), request.headers.get("user-agent", ""))


From = Annotated[Caller, Depends(caller_of)]


@router.post("/login", openapi_extra=PUBLIC)
async def login(asked: Login, services: Given, caller: From) -> LoginAnswer:
    """Begin a session: an access token and a refresh token. Five failures lock the name for 15 minutes.

    403 `password_change_required` for a temporary password; 401 `totp_required` when a code is needed too.
    """
    return await services.login.enter(credentials(asked.username, asked.password, asked.code), caller)


@router.post("/refresh", openapi_extra=PUBLIC)
async def refresh(asked: Refresh, services: Given) -> LoginAnswer:
    """The next access token, and the next refresh token. Each is good for one use: an old one ends the session."""
    return await services.sessions.go_on(asked.refresh_token.get_secret_value())


@router.post("/logout", status_code=204, openapi_extra=PUBLIC)
async def logout(asked: Refresh, services: Given) -> None:
    """End the session of this refresh token; one that is not known is answered alike."""
    await services.sessions.leave(asked.refresh_token.get_secret_value())


@router.post("/password", status_code=204, openapi_extra=PUBLIC)
async def change_password(asked: NewPassword, services: Given, caller: From) -> None:
    """Change your own password, a temporary one too. Your sessions end, but for that of the refresh token."""
    given = credentials(asked.username, asked.old_password, asked.code)
    kept = asked.refresh_token.get_secret_value() if asked.refresh_token else ""
    await services.login.change_password(given, asked.new_password.get_secret_value(), caller, kept)


def credentials(username: str, password: Password, code: Code) -> Credentials:
    """What was sent, in the words of this service."""
    return Credentials(username, password.get_secret_value(), code.get_secret_value() if code else "")
