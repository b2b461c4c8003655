"""People who log in: what they send to prove who they are, and what they are answered (DESIGN section 8)."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, Secret

from artstore_kit.contracts.files import PlainText
from artstore_kit.contracts.identity import NewName, RoleNames, TokenAnswer

PASSWORD_LIMIT_BYTES = 1024
SESSION_ID_PATTERN = r"^[\w-]{22}$"

Username = Annotated[str, Field(pattern=r"^[\w.@-]{1,64}$")]
Password = Secret[Annotated[str, Field(min_length=1, max_length=PASSWORD_LIMIT_BYTES)]]
Code = Annotated[
    Secret[Annotated[str, Field(pattern=r"^[0-9A-Za-z -]{6,64}$")]] | None,
    Field(description="six digits of the authenticator app, or a recovery code; asked for by 401 `totp_required`"),
]
RefreshSecret = Secret[Annotated[str, Field(pattern=r"^[\w-]{20,100}$")]]


DisplayName = Annotated[PlainText, Field(max_length=200)]
Email = Annotated[str, Field(pattern=r"^([^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189})?$")]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(_Sent):
    """A person's name and password."""

    username: Username
    password: Password
    code: Code = None


class NewPassword(_Sent):
    """A change of one's own password: the old one proves who asks, so that no token is needed."""

    username: Username
    old_password: Password
    new_password: Password
    code: Code = None
    refresh_token: RefreshSecret | None = Field(None, description="of the session that stays; all others end")


class OwnPassword(_Sent):
    """One's own password once more, and a code where a second factor is set up."""

    password: Password
    code: Code = None


class TotpConfirmation(_Sent):
    """A code of the app that has just learnt its secret."""

    code: Secret[Annotated[str, Field(pattern=r"^[0-9]{6}$")]]


class TotpSecret(BaseModel):
    """What an authenticator app needs (RFC 6238: SHA-1, six digits, 30 s)."""

    secret: str = Field(description="base32")
    otpauth_uri: str


class RecoveryCodes(BaseModel):
    """Each is good once, in the place of a code of the app."""

    recovery_codes: list[str]


class Refresh(_Sent):
    """The newest refresh token of a session."""

    refresh_token: RefreshSecret


class LoginAnswer(TokenAnswer):
    """An access token, and what the next one is had with: each refresh token is good for one use."""

    refresh_token: str
    refresh_expires_in: int = Field(description="seconds without use after which the session ends")
    session_id: str


class NewAdministrator(_Sent):
    """A person who shall be able to log in."""

    username: NewName
    display_name: DisplayName = ""
    email: Email = ""
    roles: RoleNames = frozenset()
    password: Password | None = Field(None, description="a temporary one; made and shown once when left out")


class AdministratorChanges(_Sent):
    """What to set; what is left out stays."""

    display_name: DisplayName | None = None
    email: Email | None = None
    roles: RoleNames | None = None


class AdministratorView(BaseModel):
    """An administrator as administrators see them."""

    username: str
    display_name: str
    email: str
    roles: list[str]
    suspended: bool
    must_change_password: bool
    totp_enabled: bool = Field(description="whether a code is asked for at login")
    locked_until: AwareDatetime | None = Field(None, description="after repeated failures to log in")
    created_at: AwareDatetime
    last_login_at: AwareDatetime | None
    revision: int = Field(description="grows by one with each change by an administrator")


class TemporaryPassword(BaseModel):
    """The only time it is shown; good for changing it."""

    temporary_password: str | None = Field(description="null when it was given")


class CreatedAdministrator(AdministratorView, TemporaryPassword):
    """The answer to making an administrator."""


class SessionView(BaseModel):
    """Where a person is logged in."""

    session_id: str
    username: str
    user_agent: PlainText
    address: str
    created_at: AwareDatetime
    last_used_at: AwareDatetime
    expires_at: AwareDatetime = Field(description="when it ends at the latest, however much it is used")


class SessionList(BaseModel):
    """A person's sessions that have not ended, newest first."""

    items: list[SessionView]
