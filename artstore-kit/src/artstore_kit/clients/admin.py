"""The admin module as the other services see it."""

from datetime import datetime
from uuid import UUID

from artstore_kit.callee import Callee, Credentials
from artstore_kit.contracts.approvals import Approval, ApprovalUse
from artstore_kit.contracts.audit import AuditReceipt
from artstore_kit.contracts.elements import ElementList, ElementRegistration, ElementReport, ElementView
from artstore_kit.contracts.identity import FleetAddresses
from artstore_kit.contracts.revocations import RevocationList
from artstore_kit.outbound import Outbound
from artstore_kit.settings import AdminSettings

APPROVALS = "/api/v1/approvals"
ELEMENTS = "/api/v1/elements"
REVOCATIONS = "/api/v1/revocations"
AUDIT_ENTRIES = "/api/v1/audit/entries"
APPEND_DEADLINE_S = 30.0


class AdminClient:
    """Registers elements and lists them, asks what was revoked and approved, delivers entries of the audit log."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    @classmethod
    def of(cls, settings: AdminSettings, credentials: Credentials) -> "AdminClient":
        """For the admin module at its configured address; close it at the end."""
        return cls(Outbound(Callee("admin", settings.url, credentials)))

    async def close(self) -> None:
        """Close the connections."""
        await self._outbound.close()

    async def register(self, element_id: str, registration: ElementRegistration) -> ElementView:
        """Tell where an element is and what it is for; again at each start."""
        return await self._outbound.ask(ElementView, "PUT", f"{ELEMENTS}/{element_id}", json=registration)

    async def report(self, element_id: str, report: ElementReport) -> None:
        """Tell how an element is; `ElementUnknown` when it must register first."""
        await self._outbound.call("POST", f"{ELEMENTS}/{element_id}/reports", json=report, idempotent=True)

    async def elements(self) -> list[ElementView]:
        """All elements that ever registered, alive or not."""
        return (await self._outbound.ask(ElementList, "GET", ELEMENTS)).items

    async def element(self, element_id: str) -> ElementView:
        """One element; `ElementUnknown` when it never registered."""
        return await self._outbound.ask(ElementView, "GET", f"{ELEMENTS}/{element_id}")

    async def addresses(self) -> FleetAddresses:
        """Where clients reach the fleet."""
        return await self._outbound.ask(FleetAddresses, "GET", "/.well-known/artstore")

    async def use_approval(self, approval_id: UUID, use: ApprovalUse) -> Approval:
        """Ask, right before the deed, whether it may be done (`ApprovalInvalid`); the same may be asked again."""
        return await self._outbound.ask(Approval, "POST", f"{APPROVALS}/{approval_id}/use", json=use, idempotent=True)

    async def revocations(self, after: datetime | None) -> RevocationList:
        """What was revoked after this moment, or all that has not ended."""
        asked = {"after": after.isoformat() if after else None}
        return await self._outbound.ask(RevocationList, "GET", REVOCATIONS, params=asked)

    async def append_audit(self, batch: bytes) -> AuditReceipt:
        """When this returns, all of `batch` is in the audit log, each entry once, however often it was sent.

        It is an `AuditBatch` in JSON: to read and to write 1,000 entries for nothing would take 25 ms of an event loop.
        """
        return await self._outbound.ask(
            AuditReceipt,
            "POST",
            AUDIT_ENTRIES,
            content=batch,
            headers={"Content-Type": "application/json"},
            idempotent=True,
            deadline_s=APPEND_DEADLINE_S,
        )
