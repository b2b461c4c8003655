"""What became known of a request while it was answered: for its audit entry and its line in the access log."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from artstore_kit import request_context

_PLACE = "artstore"


@dataclass(slots=True)
class Noted:
    """Who asks is noted as soon as the token is found valid, whatever is refused later.

    `resource` takes the place of what the route declares, where the address does not say it. `detail` is for the
    audit entry: no content, no token, no secret. `told` says that the refusal has an entry already; `by_service`, that
    a service of the fleet asks, which may act for others.
    """

    code: str = ""
    actor: str = ""
    client_id: str = ""
    acting_for: str = ""
    resource: str = ""
    told: bool = False
    by_service: bool = False
    detail: dict[str, JsonValue] = field(default_factory=dict)


def begin(scope: MutableMapping[str, Any]) -> Noted:
    """Nothing is known yet."""
    noted = scope[_PLACE] = Noted()
    return noted


def noted_of(scope: MutableMapping[str, Any]) -> Noted:
    """What is noted of this request."""
    noted: Noted = scope[_PLACE]
    return noted


def noted() -> Noted:
    """What is noted of the request that is being answered; outside of one, what nobody reads."""
    current: Any = request_context.scope.get(None)
    return current.get(_PLACE) or Noted() if current else Noted()
