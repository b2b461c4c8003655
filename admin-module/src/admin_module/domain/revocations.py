"""How long a revocation lasts, and from when on a subject's new tokens are good."""

import math
from datetime import UTC, datetime, timedelta

from admin_module.domain.signing_keys import KEPT_AFTER_RETIREMENT, LEEWAY_S
from admin_module.domain.subjects import TOKEN_LIFETIME_S
from artstore_kit.contracts.revocations import Revocation, RevocationKind

CLOCKS_DIFFER_BY = timedelta(seconds=5)
"""At most, between the nodes of the admin module, with the time that a transaction takes."""

TOLD_AGAIN_FOR = timedelta(seconds=60)
"""What is written in a transaction is seen only after its commit: so long before the moment asked for we look again."""

_LEEWAY = timedelta(seconds=LEEWAY_S)
_LONGEST = timedelta(seconds=TOKEN_LIFETIME_S) + _LEEWAY + 2 * CLOCKS_DIFFER_BY


def token_revoked(token_id: str, expires_at: datetime) -> Revocation:
    """One token."""
    return Revocation(kind=RevocationKind.TOKEN, name=token_id, ends_at=expires_at + _LEEWAY)


def session_revoked(session_id: str, now: datetime) -> Revocation:
    """All tokens of a session, which gets no others."""
    return Revocation(kind=RevocationKind.SESSION, name=session_id, ends_at=now + _LONGEST)


def subject_revoked(name: str, now: datetime) -> Revocation:
    """All tokens that a subject has, and those that are being signed with its former rights.

    The moment is a whole second, as `iat` is, and lies ahead: by then each node has read what was changed.
    """
    before = datetime.fromtimestamp(math.ceil((now + CLOCKS_DIFFER_BY).timestamp()), UTC)
    return Revocation(kind=RevocationKind.SUBJECT, name=name, before=before, ends_at=before + _LONGEST)


def key_revoked(kid: str, now: datetime) -> Revocation:
    """All tokens signed with a key. From their end on it is enough that the key is not published."""
    return Revocation(kind=RevocationKind.KEY, name=kid, ends_at=now + KEPT_AFTER_RETIREMENT)


def issued_at(now: datetime, revoked_before: datetime | None) -> datetime:
    """The `iat` of a token that carries its subject's new rights: it is not among those that were revoked."""
    return max(now, revoked_before) if revoked_before else now
