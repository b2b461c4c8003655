"""The signing keys in memory: one signs, all that can still verify a token are published."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from admin_module.adapters.sealing import SealedKeys, signed
from admin_module.adapters.signing_keys import all_keys
from admin_module.domain.clock import Clock
from admin_module.domain.signing_keys import SigningKey, current, key_set
from admin_module.domain.subjects import Subject
from artstore_kit.contracts.errors import DatabaseUnavailable, SigningKeyMissing
from artstore_kit.logs import event_logger
from artstore_kit.postgres import Database
from artstore_kit.settings import TokenSettings
from artstore_kit.together import Together

READ_AGAIN_AFTER_S = 10.0
"""How soon a key that another node has made is known here."""

type _Unsigned = tuple[Mapping[str, object], str, RSAPrivateKey]


class Keyring:
    """Keys are read again now and then; while the database is away, those that are known go on."""

    def __init__(self, database: Database, sealed_keys: SealedKeys, tokens: TokenSettings, clock: Clock) -> None:
        self._database = database
        self._sealed_keys = sealed_keys
        self._tokens = tokens
        self._clock = clock
        self._keys: list[SigningKey] = []
        self._opened: dict[str, RSAPrivateKey] = {}
        self._read_at = 0.0
        self._signing = Together(_all_signed)

    async def open(self) -> None:
        """Read the keys and open the one that signs; a wrong sealing key comes to light here."""
        await self._read()
        await self._signer()

    async def read_again(self) -> None:
        """Know at once what another node has done to the keys."""
        await self._read()

    async def sign(self, subject: Subject, issued_at: datetime) -> str:
        """An access token for `subject`, signed off the event loop, together with others that are asked for now."""
        await self._read_if_old()
        claims = subject.claims(self._tokens.issuer, self._tokens.audience, issued_at, uuid4().hex)
        kid, private_key = await self._signer()
        return await self._signing.ask((claims, kid, private_key))

    async def published(self) -> Mapping[str, object]:
        """The JWKS document."""
        await self._read_if_old()
        return key_set(self._keys, self._clock())

    async def check(self) -> None:
        """Raise `SigningKeyMissing` unless a key can sign."""
        await self._read_if_old()
        await self._signer()

    async def _signer(self) -> tuple[str, RSAPrivateKey]:
        key = current(self._keys, self._clock())
        if key is None:
            raise SigningKeyMissing
        if key.kid not in self._opened:
            private_key = await asyncio.to_thread(self._sealed_keys.open, key.kid, key.sealed_private_key)
            self._opened = {**self._opened, key.kid: private_key}
        return key.kid, self._opened[key.kid]

    async def _read_if_old(self) -> None:
        if time.monotonic() - self._read_at < READ_AGAIN_AFTER_S:
            return
        self._read_at = time.monotonic()  # before the wait, so that one request reads while others go on
        try:
            await self._read()
        except DatabaseUnavailable as error:
            event_logger().warning("signing keys not read again", reason=error.detail)

    async def _read(self) -> None:
        async with self._database.connect() as connection:
            self._keys = await all_keys(connection)
        usable = {key.kid for key in self._keys if key.sealed_private_key}
        self._opened = {kid: key for kid, key in self._opened.items() if kid in usable}
        self._read_at = time.monotonic()


async def _all_signed(asked: Sequence[_Unsigned]) -> list[str]:
    """Off the event loop, which each would hold for a millisecond; in one go, since it takes half of that to get to a
    thread and back.
    """
    return await asyncio.to_thread(_each_signed, asked)


def _each_signed(asked: Sequence[_Unsigned]) -> list[str]:
    return [signed(claims, kid, private_key) for claims, kid, private_key in asked]
