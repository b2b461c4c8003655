"""How often clients may ask and fail: a lock for a client at an address, a wider limit for the address alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from admin_module.config import LimitsSettings
from artstore_kit.contracts.errors import RateLimited
from artstore_kit.proxies import network_of

MINUTE_S = 60


@dataclass(frozen=True)
class Step:
    """Something to count: `add` (0: only look) to the tally of this name.

    A tally is forgotten `lives_s` after its first count, or after its latest one when that `renews` it.
    """

    name: str
    add: int
    lives_s: int
    renews: bool = False


@dataclass(frozen=True)
class Tally:
    """How many were counted, and in how many seconds they are forgotten."""

    count: int
    left_s: float


class Tallies(Protocol):
    """Counts. Each step is carried out at once with regard to all who count under its name."""

    async def count(self, steps: Sequence[Step]) -> list[Tally]:
        """Carry out the steps; one tally for each."""
        ...


@dataclass(frozen=True)
class Limits:
    """How many failures and requests are allowed."""

    settings: LimitsSettings

    def failures(self, client_id: str, address: str, add: int) -> tuple[Step, Step]:
        """The failures of a client at an address, and all of that address."""
        network = network_of(address)
        return (
            Step(_name("client", client_id, network), add, self.settings.lockout_s, renews=True),
            self.failures_at(address, add),
        )

    def failures_at(self, address: str, add: int) -> Step:
        """All failures of that address, whoever failed: programs and people are counted together."""
        return Step(_name("address", network_of(address)), add, self.settings.lockout_s, renews=True)

    def requests(self, client_id: str) -> Step:
        """One more request of a client, wherever it comes from: only its own, proved ones count."""
        return Step(_name("requests", client_id), 1, MINUTE_S)

    def require_unlocked(self, of_client: Tally, of_address: Tally) -> None:
        """Raise `RateLimited` when there were too many failures."""
        for tally, allowed in zip((of_client, of_address), self._allowed(), strict=True):
            if tally.count >= allowed:
                raise too_often("Too many failures to authenticate from this address.", tally.left_s)

    def require_address_unlocked(self, of_address: Tally) -> None:
        """Raise `RateLimited` when there were too many failures at an address."""
        if of_address.count >= self.settings.address_failures_limit:
            raise too_often("Too many failures to authenticate from this address.", of_address.left_s)

    def _allowed(self) -> tuple[int, int]:
        return self.settings.client_failures_limit, self.settings.address_failures_limit

    def require_seldom(self, requests: Tally, own_limit: int | None) -> None:
        """Raise `RateLimited` when the client has asked too often within a minute."""
        allowed = own_limit or self.settings.requests_per_minute_limit
        if requests.count > allowed:
            raise too_often(f"The client may send {allowed} requests a minute here.", requests.left_s)


def too_often(detail: str, left_s: float) -> RateLimited:
    """The refusal; it has the members of RFC 6749 section 5.2 too, for clients that look for them."""
    wait_s = str(max(1, int(left_s) + 1))
    return RateLimited(detail, headers={"Retry-After": wait_s}, error=RateLimited.code, error_description=detail)


def _name(kind: str, *parts: str) -> str:
    """A short name whatever the parts are: anybody can send any client_id."""
    digest = hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]
    return f"{kind}:{digest}"
