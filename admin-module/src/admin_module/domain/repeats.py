"""Requests that may be sent again, and the answers that are kept for them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from artstore_kit.principal import Principal

KEPT_FOR = timedelta(hours=24)
"""So long a request gets the answer that it had."""


@dataclass(frozen=True)
class Repeatable:
    """A request under an `Idempotency-Key`; `replayed` is called when its answer was given before."""

    key: str
    operation: str
    """Method and path."""
    body_sha256: str
    replayed: Callable[[], None]

    def name(self, by: Principal) -> str:
        """What its answer is kept as: keys are a subject's own, at the client through which it asks."""
        return hashlib.sha256("\n".join((by.client_id, by.on_whose_behalf, self.key)).encode()).hexdigest()

    def asks(self, kept: "KeptAnswer") -> bool:
        """Whether what was answered is the same request."""
        return (kept.operation, kept.body_sha256) == (self.operation, self.body_sha256)


class KeptAnswer(BaseModel):
    """An answer, and to what. It can hold a secret, and its request a password: it is kept sealed as a whole."""

    model_config = ConfigDict(frozen=True)

    operation: str
    body_sha256: str
    answer: dict[str, Any]
