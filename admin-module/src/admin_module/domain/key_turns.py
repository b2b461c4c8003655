"""When keys take turns: all by moments in the table, so that every node says the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from admin_module.domain.signing_keys import SigningKey, current, upcoming


@dataclass(frozen=True)
class Turns:
    """How long a key signs, and how long before that it is published."""

    every: timedelta
    published_ahead: timedelta

    def after(self, signer: SigningKey, now: datetime) -> datetime:
        """When a key that is made now takes over from the one that signs."""
        return max(signer.not_before + self.every, now + self.published_ahead)

    def at_once(self, following: SigningKey, now: datetime) -> datetime:
        """The soonest moment at which every service knows the key that follows; never later than was planned."""
        return min(following.not_before, max(now, following.published_at + self.published_ahead))


@dataclass(frozen=True)
class Due:
    """What time has brought to the keys."""

    first: bool
    following: bool
    retired: Sequence[SigningKey]
    let_go: Sequence[SigningKey]
    over: Sequence[SigningKey]

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return self.first or self.following or bool(self.retired or self.let_go or self.over)


def due(keys: Sequence[SigningKey], now: datetime) -> Due:
    """A key is missing; one was followed by another; a private half is of no more use; all tokens of a key are over."""
    signer = current(keys, now)
    return Due(
        first=signer is None,
        following=upcoming(keys, now) is None,
        retired=[key for key in keys if signer and _was_followed(key, signer, now)],
        let_go=[key for key in keys if key.is_kept_for_nothing(now)],
        over=[key for key in keys if key.is_over(now)],
    )


def kid_of(keys: Iterable[SigningKey], kid: str) -> SigningKey | None:
    """The key of this name."""
    return next((key for key in keys if key.kid == kid), None)


def _was_followed(key: SigningKey, signer: SigningKey, now: datetime) -> bool:
    return key.retired_at is None and key.signs(now) and key.kid != signer.kid
