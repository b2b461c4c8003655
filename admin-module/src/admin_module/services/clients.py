"""Clients prove who they are, seldom enough; the same way at every endpoint that asks them to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from admin_module.adapters.assertions import signed_by_one_of
from admin_module.adapters.clients import find_clients, take_assertion
from admin_module.adapters.tallies import SharedTallies
from admin_module.domain.clients import Client
from admin_module.domain.clock import Clock
from admin_module.domain.limits import Limits
from admin_module.domain.proofs import Assertion, AssertionRules, Proof, SharedSecret
from admin_module.domain.proven import Proven
from admin_module.domain.secrets import matches
from artstore_kit.contracts.errors import InvalidClient
from artstore_kit.noted import noted
from artstore_kit.postgres import Database
from artstore_kit.together import Together


@dataclass
class Clients:
    """Authentication of clients; those that come at once are looked up together."""

    database: Database
    tallies: SharedTallies
    limits: Limits
    assertions: AssertionRules
    clock: Clock
    proven: Proven = field(default_factory=Proven)

    def __post_init__(self) -> None:
        self._known = Together(self._find)

    async def authenticated(self, proof: Proof, address: str) -> Client:
        """The client that sent `proof` from `address`; `InvalidClient` or `RateLimited`.

        Wrong proofs of known and unknown clients take the same work: one query, one comparison or signature. A lock
        holds up whoever guesses, not a client that shows the secret which it has proved at this address before.
        """
        now = self.clock()
        shown = proof if isinstance(proof, SharedSecret) else self.assertions.read(proof, now)
        failures = self.limits.failures(shown.client_id, address, add=0)
        is_guess = not self.proven.has(shown, address)
        if is_guess:
            self.limits.require_unlocked(*self.tallies.known_here(failures))
        client = await self._proved(shown)
        if client is None:
            if not is_guess:
                self.proven.forget(shown, address)
            await self.tallies.count(self.limits.failures(shown.client_id, address, add=1))
            raise InvalidClient
        known = noted()
        known.actor = known.client_id = client.client_id
        *failed, requests = await self.tallies.count([*failures, self.limits.requests(client.client_id)])
        if is_guess:
            self.limits.require_unlocked(*failed)
        self.limits.require_seldom(requests, client.token_requests_per_minute)
        self.proven.remember(shown, address)
        return client

    async def _find(self, client_ids: Sequence[str]) -> list[Client | None]:
        """All are printable ASCII by now: no name can spoil the statement for the others."""
        async with self.database.reading() as connection:
            found = await find_clients(connection, client_ids, self.clock())
        return [found.get(client_id) for client_id in client_ids]

    async def _proved(self, shown: SharedSecret | Assertion) -> Client | None:
        client = await self._known.ask(shown.client_id)
        if client is not None:  # what else was sent as a name may be a secret, which no audit entry may hold
            noted().resource = f"account:{client.client_id}"
        if isinstance(shown, SharedSecret):
            right = matches(shown.secret, client.secrets if client else ())
        else:
            right = signed_by_one_of(client.keys if client else (), shown) and await self._is_first_use(shown)
        return client if right else None

    async def _is_first_use(self, assertion: Assertion) -> bool:
        """Committed before anything is given for it; PostgreSQL is the judge, whatever becomes of Redis."""
        async with self.database.transaction() as connection:
            return await take_assertion(connection, assertion)
