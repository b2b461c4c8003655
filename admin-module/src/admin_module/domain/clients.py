"""A service account as the OAuth endpoints need it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from admin_module.domain.rights import Rights
from admin_module.domain.roles import BUILT_IN, rights_of
from artstore_kit.contracts.client_keys import PublicKey


@dataclass(frozen=True)
class Client:
    """What it may, what proves it, and how often it may ask (None: as often as the fleet's limit allows).

    `of_custom_roles` are the rights of those of its roles that are not built in; `tokens_from` is the `iat` of a token
    with these rights (see `services.revocations`).
    """

    client_id: str
    tokens_from: datetime
    roles: Sequence[str]
    own: Rights
    of_custom_roles: Sequence[Rights] = ()
    secrets: Sequence[bytes] = field(default=(), repr=False)
    keys: Sequence[PublicKey] = ()
    token_requests_per_minute: int | None = None

    @property
    def rights(self) -> Rights:
        """Its own and those of all its roles."""
        built_in = (rights_of(BUILT_IN[name]) for name in sorted(self.roles) if name in BUILT_IN)
        return self.own.with_all([*built_in, *self.of_custom_roles])
