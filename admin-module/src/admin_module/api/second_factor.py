"""`/auth/totp`: a second factor, by an authenticator app."""

from typing import Annotated

from fastapi import APIRouter, Depends

from admin_module.api.login import From, credentials
from admin_module.api.never_kept import never_kept
from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.administrators import OwnPassword, RecoveryCodes, TotpConfirmation, TotpSecret
from artstore_kit.principal import Principal

router = APIRouter(prefix="/auth/totp", tags=["second factor"], dependencies=[Depends(never_kept)])
Given = Annotated[Services, Depends(services_of(Services))]
Anybody = Annotated[Principal, needs()]


@router.post("")
async def begin_totp(asked: OwnPassword, who: Anybody, services: Given, caller: From) -> TotpSecret:
    """A secret for your app, shown in this answer only. It counts when you have confirmed it with a code."""
    given = credentials(who.subject, asked.password, asked.code)
    return await services.enrolment.begin(given, caller.address, by=who)


@router.post("/confirm")
async def confirm_totp(asked: TotpConfirmation, who: Anybody, services: Given, caller: From) -> RecoveryCodes:
    """From now on a code is asked for at each login. Ten recovery codes, shown in this answer only.

    A wrong code counts as a failure to log in.
    """
    return await services.enrolment.confirm(asked.code.get_secret_value(), caller.address, by=who)


@router.post("/recovery-codes")
async def renew_recovery_codes(asked: OwnPassword, who: Anybody, services: Given, caller: From) -> RecoveryCodes:
    """Ten new recovery codes; the former ones are worth nothing."""
    given = credentials(who.subject, asked.password, asked.code)
    return await services.enrolment.renew_codes(given, caller.address, by=who)


@router.post("/disable", status_code=204)
async def disable_totp(asked: OwnPassword, who: Anybody, services: Given, caller: From) -> None:
    """From now on your password is enough."""
    given = credentials(who.subject, asked.password, asked.code)
    await services.enrolment.disable(given, caller.address, by=who)
