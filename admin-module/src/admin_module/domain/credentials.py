"""What a person gives to prove who they are."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Credentials:
    """A name, a password, and a code where a second factor is set up."""

    username: str
    password: str = field(repr=False)
    code: str = field(default="", repr=False)
