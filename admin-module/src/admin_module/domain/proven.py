"""Which secret a client has proved to hold at an address: whoever shows it again is no stranger who guesses."""

import hmac
from datetime import timedelta

from cachetools import TTLCache

from admin_module.domain.proofs import Assertion, SharedSecret
from admin_module.domain.secrets import hashed
from artstore_kit.proxies import network_of

FOR = timedelta(days=1)
CLIENTS_AT_MOST = 10_000


class Proven:
    """In the memory of this node: after a restart each client proves itself anew. Only hashes are held."""

    def __init__(self) -> None:
        self._sha256: TTLCache[tuple[str, str], bytes] = TTLCache(CLIENTS_AT_MOST, FOR.total_seconds())

    def remember(self, shown: SharedSecret | Assertion, address: str) -> None:
        """It was right, just now. An assertion is good once, and nothing is held of it."""
        if isinstance(shown, SharedSecret):
            self._sha256[shown.client_id, network_of(address)] = hashed(shown.secret)

    def forget(self, shown: SharedSecret | Assertion, address: str) -> None:
        """It is not right any more."""
        self._sha256.pop((shown.client_id, network_of(address)), None)

    def has(self, shown: SharedSecret | Assertion, address: str) -> bool:
        """Whether the same secret was right at this address before; it may have ended since."""
        if not isinstance(shown, SharedSecret):
            return False
        known = self._sha256.get((shown.client_id, network_of(address)))
        return known is not None and hmac.compare_digest(hashed(shown.secret), known)
