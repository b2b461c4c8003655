"""An administrator as the database knows them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Administrator:
    """A person who may log in."""

    username: str
    password_hash: str
    roles: tuple[str, ...]
    display_name: str = ""
    email: str = ""
    suspended: bool = False
    must_change_password: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What others know of them, and would try first in a password."""
        return self.username, self.email.partition("@")[0], *self.display_name.split()
