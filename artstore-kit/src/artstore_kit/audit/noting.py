"""Makes the entry of a request, and notes it before the answer's first byte leaves."""

from random import getrandbits
from typing import Any

from pydantic_core import to_json

from artstore_kit.audit.declared import Declarations
from artstore_kit.audit.spool import Spool
from artstore_kit.audit.strangers import Counted, Strangers, Turn
from artstore_kit.contracts.audit import AuditEntry, AuditOutcome, printable
from artstore_kit.contracts.ids import CHOSEN_BITS, now_moment_ms, uuid7_text
from artstore_kit.noted import noted_of
from artstore_kit.proxies import network_of
from artstore_kit.request_context import address_of, peer_of
from artstore_kit.tally import CLIENT_GONE, Tally

GONE = "client_gone"
"""The code of a request whose sender did not wait for the answer."""

SUMMED_UP = "request.refuse"
"""The action of the entry of many refusals."""

_LIMITS = {
    name: next(each.max_length for each in field.metadata if hasattr(each, "max_length"))
    for name, field in AuditEntry.model_fields.items()
    if field.annotation is str
}
_CUT = "…"
DONE = AuditOutcome.DONE


class Noting:
    """One for the application. It costs each request a few microseconds: nothing is validated twice."""

    def __init__(self, spool: Spool, declarations: Declarations) -> None:
        self._spool = spool
        self._declarations = declarations
        self._teller = {"service": spool.service, **({"node": spool.node} if spool.node else {})}
        self._strangers = Strangers(self._sum_up)

    def note(self, tally: Tally) -> None:
        """Keep the entry of this request, if it leaves one."""
        declared = self._declarations.get(f"{tally.scope['method']} {tally.route}")
        if declared is None:
            return
        noted = noted_of(tally.scope)
        outcome, is_gone = _outcome(tally.status), tally.status == CLIENT_GONE
        untold = declared.untold or (noted.by_service and declared.untold_of_services)
        if untold and (outcome is DONE or is_gone):
            return
        if (declared.by_front and noted.acting_for) or (noted.told and outcome is AuditOutcome.REFUSED):
            return
        resource = noted.resource or declared.resource_of(tally.scope.get("path_params", {}))
        code = "" if outcome is DONE else (tally.code or noted.code or (GONE if is_gone else ""))
        address, peer = address_of(tally.scope), peer_of(tally.scope)
        if peer != address:
            noted.detail["peer"] = plain(peer, 64)
        if outcome is not DONE and not noted.actor:
            turn = self._strangers.turn_of(network_of(address), f"{declared.action} {code}", resource)
            if turn is Turn.COUNTED:
                return
            noted.detail |= {"more_are_counted": True} if turn is Turn.LAST else {}
        told = {
            "actor": noted.actor,
            "client_id": noted.client_id,
            "acting_for": noted.acting_for,
            "resource": resource,
            "code": code,
        }
        entry: dict[str, Any] = {"entry_id": fresh_id(), **self._teller, "action": declared.action}
        for name, text in told.items():
            if text:
                entry[name] = plain(text, _LIMITS[name])
        if outcome is not DONE:
            entry["outcome"] = outcome.value
        entry["request_id"] = tally.request_id
        if address:
            entry["address"] = plain(address, 64)
        if noted.detail:
            entry["detail"] = noted.detail
        self._spool.note(to_json(entry) + b"\n")

    def close(self) -> None:
        """Tell what was only counted so far."""
        self._strangers.end_minute()

    def _sum_up(self, address: str, counted: Counted) -> None:
        """One entry for all that an address was refused within a minute, beyond what was told one by one."""
        entry = {"entry_id": fresh_id(), **self._teller, "action": SUMMED_UP, "outcome": AuditOutcome.REFUSED.value}
        self._spool.note(to_json(entry | {"address": plain(address, 64), "detail": counted.detail()}) + b"\n")


def _outcome(status: int) -> AuditOutcome:
    if status < 400:
        return DONE
    return AuditOutcome.REFUSED if status < 500 and status != CLIENT_GONE else AuditOutcome.FAILED


def fresh_id() -> str:
    """An entry's id, of now, as it is written; `new_entry_id` takes several times as long, being hard to guess."""
    return uuid7_text(now_moment_ms(), getrandbits(CHOSEN_BITS))


def plain(text: str, most: int) -> str:
    """As an entry can hold it: odd characters are replaced, and what is too long is cut."""
    if len(text) > most:
        text = text[: most - 1] + _CUT
    return printable(text)
