"""Sessions of people: begun at a login, gone on with by refresh tokens, listed and ended."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module import metrics
from admin_module.adapters.administrators import find_administrator, note_login
from admin_module.adapters.sessions import (
    end_sessions,
    insert_session,
    replace_newest,
    rotate,
    session_of,
    sessions_of,
    sweep_sessions,
)
from admin_module.domain.administrators import Administrator
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.secrets import hashed, new_secret
from admin_module.domain.sessions import Caller, Lifetimes, Session, Verdict, begun, lasting
from admin_module.domain.subjects import administrator
from admin_module.services.audit import AuditLog
from admin_module.services.keyring import Keyring
from admin_module.services.revocations import Revocations
from admin_module.services.rights import effective_rights
from admin_module.services.tokens import issued
from artstore_kit.contracts.administrators import LoginAnswer, SessionList
from artstore_kit.contracts.audit import AuditOutcome
from artstore_kit.contracts.errors import (
    ArtStoreError,
    BadCredentials,
    RefreshTokenReused,
    RefreshTokenUnknown,
    SessionEnded,
    SessionUnknown,
)
from artstore_kit.contracts.identity import LOGIN_CLIENT
from artstore_kit.logs import event_logger
from artstore_kit.noted import noted
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal

KIND = "administrator"


@dataclass(frozen=True)
class Sessions:
    """Who is logged in where."""

    database: Database
    audit: AuditLog
    keyring: Keyring
    revocations: Revocations
    lifetimes: Lifetimes
    clock: Clock

    async def begin(self, who: Administrator, caller: Caller) -> LoginAnswer:
        """Let in whoever has proved to be `who`; `BadCredentials` when that is not true any more."""
        token, now = new_secret(), self.clock()
        session = begun(who.username, caller, hashed(token), self.lifetimes, now)
        async with self.database.transaction() as connection:
            if await find_administrator(connection, who.username, unchanged=True) != who:
                raise BadCredentials
            await sweep_sessions(connection, now)
            await insert_session(connection, session)
            await note_login(connection, who.username, now)
            await self.audit.record(connection, _deed("administrator.login", session))
        return await self._answer(session, token)

    async def go_on(self, refresh_token: str) -> LoginAnswer:
        """The next access token and the next refresh token. An old one ends the session: it was stolen, now or then."""
        token = new_secret()
        async with self.database.transaction() as connection:
            session = await session_of(connection, hashed(refresh_token))
            _note(session)
            refusal = await self._advance(connection, session, hashed(refresh_token), hashed(token))
        if refusal or session is None:
            raise refusal or RefreshTokenUnknown
        return await self._answer(session, token)

    async def _advance(
        self, connection: AsyncConnection, session: Session | None, shown: bytes, successor: bytes
    ) -> ArtStoreError | None:
        if session is None:
            return RefreshTokenUnknown()
        match session.verdict(shown, self.lifetimes, self.clock()):
            case Verdict.GOOD:
                await rotate(connection, session, successor, self.clock())
            case Verdict.REPEATED:
                await replace_newest(connection, session, successor)
            case Verdict.REUSED:
                return await self._stolen(connection, session)
            case Verdict.ENDED:
                return SessionEnded()
        return None

    async def _stolen(self, connection: AsyncConnection, session: Session) -> ArtStoreError:
        refusal = RefreshTokenReused()
        await self._end(connection, session.username, only=session.session_id)
        deed = _deed("session.reuse", session, outcome=AuditOutcome.REFUSED, code=refusal.code)
        await self.audit.record(connection, deed)
        metrics.REUSES.inc()
        event_logger().warning("refresh token reused", username=session.username, session_id=session.session_id)
        return refusal

    async def leave(self, refresh_token: str) -> None:
        """End the session that ever had this refresh token; nothing happens when there is none."""
        async with self.database.transaction() as connection:
            if session := await self._ended(connection, refresh_token):
                await self.audit.record(connection, _deed("administrator.logout", session))

    async def take_back(self, refresh_token: str, client_id: str) -> None:
        """`leave`, done by a client that may revoke what is not its own."""
        async with self.database.transaction() as connection:
            if session := await self._ended(connection, refresh_token):
                await self.audit.record(connection, _taken_back(session, client_id))

    async def _ended(self, connection: AsyncConnection, refresh_token: str) -> Session | None:
        """The session that ends by this, if there is one."""
        session = await session_of(connection, hashed(refresh_token))
        if session and await self._end(connection, session.username, only=session.session_id):
            return session
        return None

    async def that_goes_on_with(self, refresh_token: str) -> Session | None:
        """The session that would go on if this refresh token were used now."""
        async with self.database.transaction() as connection:
            session = await session_of(connection, hashed(refresh_token))
        if session and session.verdict(hashed(refresh_token), self.lifetimes, self.clock()).is_good:
            return session
        return None

    async def of(self, username: str) -> SessionList:
        """A person's sessions that last."""
        async with self.database.connect() as connection:
            found = await sessions_of(connection, username)
        return SessionList(items=[session.view() for session in lasting(found, self.lifetimes, self.clock())])

    async def end(self, username: str, session_id: str, by: Principal) -> None:
        """End one session of a person."""
        async with self.database.transaction() as connection:
            await self.end_one(connection, username, session_id, by)

    async def end_one(self, connection: AsyncConnection, username: str, session_id: str, by: Principal) -> None:
        """`end` within the caller's transaction."""
        if not await self._end(connection, username, only=session_id):
            raise SessionUnknown
        deed = Deed.by(by, "session.end", f"administrator:{username}", session_id=session_id)
        await self.audit.record(connection, deed)

    async def end_all(self, connection: AsyncConnection, username: str, *, but: str = "") -> int:
        """End a person's sessions, all `but` that of a refresh token, in the caller's transaction; how many ended."""
        kept = await session_of(connection, hashed(but)) if but else None
        spared = kept.session_id if kept and kept.current_sha256 == hashed(but) else ""
        return await self._end(connection, username, but=spared)

    async def _end(self, connection: AsyncConnection, username: str, *, only: str = "", but: str = "") -> int:
        """Their refresh tokens are worth nothing at once, their access tokens within 60 s."""
        ended = await end_sessions(connection, username, self.clock(), only=only, but=but)
        for session_id in ended:
            await self.revocations.revoke_session(connection, session_id)
        return len(ended)

    async def _answer(self, session: Session, refresh_token: str) -> LoginAnswer:
        """With the rights that its owner holds now."""
        async with self.database.connect() as connection:
            moment = await self.revocations.moment_for(connection, session.username)
            owner = await find_administrator(connection, session.username)
            if owner is None:
                raise SessionEnded
            rights = await effective_rights(connection, owner.roles)
        subject = administrator(owner.username, owner.roles, rights, session.session_id)
        access = await issued(self.keyring, KIND, subject, moment)
        return LoginAnswer(
            **dict(access),
            refresh_token=refresh_token,
            refresh_expires_in=session.idle_s(self.lifetimes, self.clock()),
            session_id=session.session_id,
        )


def _note(session: Session | None) -> None:
    """Whose session goes on, or does not: the token says so to us alone."""
    if session:
        known = noted()
        known.actor, known.client_id = session.username, LOGIN_CLIENT
        known.resource = f"administrator:{session.username}"


def _taken_back(session: Session, client_id: str) -> Deed:
    resource, detail = f"administrator:{session.username}", {"session_id": session.session_id}
    return Deed("session.end", resource, detail=detail, actor=client_id, client_id=client_id)


def _deed(action: str, session: Session, *, outcome: AuditOutcome = AuditOutcome.DONE, code: str = "") -> Deed:
    """What the owner of the session does, or whoever has their token."""
    resource, detail = f"administrator:{session.username}", {"session_id": session.session_id}
    return Deed(action, resource, outcome, code, detail, actor=session.username, client_id=LOGIN_CLIENT)
