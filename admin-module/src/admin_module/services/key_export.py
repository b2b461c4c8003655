"""Taking the private keys out of the fleet, for one recipient, with four eyes."""

import base64
import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.audit_keys import sealed_audit_keys
from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.signing_keys import all_keys
from admin_module.domain.audit import Deed
from admin_module.domain.sealed_letters import Recipient
from admin_module.services.approvals import Approvals
from admin_module.services.audit import AuditLog
from artstore_kit.contracts.approvals import ApprovalUse, GuardedOperation, keys_resource
from artstore_kit.contracts.keys import KeyExport
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class KeyExporter:
    """The second administrator has approved this recipient, by the key's fingerprint, and no other."""

    database: Database
    audit: AuditLog
    approvals: Approvals
    sealed_keys: SealedKeys

    async def export(self, recipient: Recipient, approval_id: UUID | None, by: Principal) -> KeyExport:
        """The signing keys that still have a private half, and those of the audit log."""
        resource = keys_resource(recipient.fingerprint)
        use = ApprovalUse(operation=GuardedOperation.KEY_EXPORT, resource=resource, by=by.on_whose_behalf)
        async with self.database.transaction() as connection:
            await self.approvals.use_within(connection, approval_id, use, by)
            signing, audit = await self._signing_keys(connection), await self._audit_keys(connection)
            deed = Deed.by(by, "key.export", resource, signing_keys=[*signing], audit_keys=[*audit])
            await self.audit.record(connection, deed)
        letter = json.dumps({"signing_keys": signing, "audit_keys": audit}).encode()
        return KeyExport(fingerprint=recipient.fingerprint, jwe=recipient.sealed(letter))

    async def _signing_keys(self, connection: AsyncConnection) -> dict[str, str]:
        """By `kid`, as PEM (PKCS 8)."""
        keys = [key for key in await all_keys(connection) if key.sealed_private_key]
        return {key.kid: self.sealed_keys.unseal(key.kid, key.sealed_private_key).decode() for key in keys}

    async def _audit_keys(self, connection: AsyncConnection) -> dict[str, str]:
        """By name: the 32 bytes of the Ed25519 key, as base64."""
        keys = await sealed_audit_keys(connection)
        return {name: base64.b64encode(self.sealed_keys.unseal(name, sealed)).decode() for name, sealed in keys.items()}
