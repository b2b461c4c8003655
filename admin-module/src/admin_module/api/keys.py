"""`/keys`: the keys that tokens are signed with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path

from admin_module.api.never_kept import never_kept
from admin_module.domain.sealed_letters import Recipient
from admin_module.domain.signing_keys import SigningKey, state_of
from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.approvals import APPROVAL_HEADER
from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.keys import KeyExport, KeyExportRequest, SigningKeyList, SigningKeyView
from artstore_kit.principal import Principal

router = APIRouter(prefix="/keys", tags=["signing keys"])
Given = Annotated[Services, Depends(services_of(Services))]
Exporter = Annotated[Principal, needs(Scope.KEYS_EXPORT)]
ApprovalOf = Annotated[UUID | None, Header(alias=APPROVAL_HEADER, description="of a second administrator")]
Writer = Annotated[Principal, needs(Scope.KEYS_WRITE)]


@router.get("", dependencies=[needs(Scope.KEYS_READ)])
async def all_keys(services: Given) -> SigningKeyList:
    """The key that signs, the one that follows, and those whose tokens can still be valid."""
    return _shown(await services.key_life.all(), services.key_life.clock())


@router.post("/rotate")
async def rotate(who: Writer, services: Given) -> SigningKeyList:
    """Let the next key sign, as soon as it has been published for long enough that every service knows it."""
    return _shown(await services.key_life.rotate(by=who), services.key_life.clock())


@router.post("/export", dependencies=[Depends(never_kept)])
async def export(asked: KeyExportRequest, who: Exporter, services: Given, approval: ApprovalOf = None) -> KeyExport:
    """All private keys, encrypted for one recipient, whom a second administrator has approved by the fingerprint."""
    return await services.key_exporter.export(Recipient.read(asked.recipient), approval, by=who)


@router.post("/{kid}/revoke")
async def revoke(kid: Annotated[str, Path(max_length=64)], who: Writer, services: Given) -> SigningKeyList:
    """Take back all that a key has signed, within a minute everywhere. If it signs now the next one does, at once."""
    return _shown(await services.key_life.revoke(kid, by=who), services.key_life.clock())


def _shown(keys: Sequence[SigningKey], now: datetime) -> SigningKeyList:
    shown = [
        SigningKeyView(
            kid=key.kid,
            state=state_of(key, keys, now),
            published_at=key.published_at,
            not_before=key.not_before,
            retired_at=key.retired_at,
            revoked_at=key.revoked_at,
        )
        for key in keys
    ]
    return SigningKeyList(items=shown)
