"""The life of a session: it is used with one refresh token after the other, and an old one that comes back ends it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from artstore_kit.contracts.administrators import SessionView

GRACE = timedelta(seconds=10)
"""So long after its use a refresh token may come again, from a client that has lost the answer."""
_USER_AGENT_SIGNS = 200


class Verdict(StrEnum):
    """What becomes of a refresh token that is shown."""

    GOOD = "good"
    REPEATED = "repeated"
    REUSED = "reused"
    ENDED = "ended"

    @property
    def is_good(self) -> bool:
        """Whether the session goes on."""
        return self in {Verdict.GOOD, Verdict.REPEATED}


@dataclass(frozen=True)
class Caller:
    """From where a person comes; told by them, and only shown to them."""

    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class Lifetimes:
    """How long a session may rest, and how long it may last."""

    idle: timedelta
    longest: timedelta


@dataclass(frozen=True)
class Session:
    """A person's login on one device."""

    session_id: str
    username: str
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current_sha256: bytes
    previous_sha256: bytes | None = None
    ended_at: datetime | None = None

    def lasts(self, lifetimes: Lifetimes, now: datetime) -> bool:
        """Whether it can still be used."""
        return self.ended_at is None and now < self.ends_at(lifetimes)

    def ends_at(self, lifetimes: Lifetimes) -> datetime:
        """When it ends by itself, unless it is used."""
        return min(self.expires_at, self.last_used_at + lifetimes.idle)

    def verdict(self, sha256: bytes, lifetimes: Lifetimes, now: datetime) -> Verdict:
        """On a token of this session. A repeated one gets an answer in the place of the one that was lost."""
        if not self.lasts(lifetimes, now):
            return Verdict.ENDED
        if sha256 == self.current_sha256:
            return Verdict.GOOD
        if sha256 == self.previous_sha256 and now < self.last_used_at + GRACE:
            return Verdict.REPEATED
        return Verdict.REUSED

    def idle_s(self, lifetimes: Lifetimes, now: datetime) -> int:
        """For how long a token that was made `now` may rest, in seconds."""
        return int((min(self.expires_at, now + lifetimes.idle) - now).total_seconds())

    def view(self) -> SessionView:
        """As people see it."""
        shown = {name: getattr(self, name) for name in SessionView.model_fields}
        return SessionView(**shown)


def begun(username: str, caller: Caller, sha256: bytes, lifetimes: Lifetimes, now: datetime) -> Session:
    """A session whose first refresh token has this hash."""
    return Session(
        session_id=secrets.token_urlsafe(16),
        username=username,
        user_agent="".join(sign for sign in caller.user_agent if sign.isprintable())[:_USER_AGENT_SIGNS],
        address=caller.address,
        created_at=now,
        last_used_at=now,
        expires_at=now + lifetimes.longest,
        current_sha256=sha256,
    )


def lasting(sessions: Sequence[Session], lifetimes: Lifetimes, now: datetime) -> list[Session]:
    """Those that can still be used."""
    return [session for session in sessions if session.lasts(lifetimes, now)]
