"""The one table of error codes: every refusal that a caller can meet, with its status and what it means."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class FieldProblem(BaseModel):
    """One field that was refused: where it is and why."""

    field: str
    message: str


class Problem(BaseModel):
    """The body of every error answer, `application/problem+json` (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] = []


PROBLEM_HEADERS = {"Cache-Control": "no-store"}
"""An error is of its moment: no cache may repeat it (RFC 9111 section 4.2.2 lets them keep a 404)."""


class ArtStoreError(Exception):
    """The request could not be carried out."""

    status: int = 500
    code: ClassVar[str] = "internal_error"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: list[FieldProblem] | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        """`detail` says what to do about it; `extra` becomes members of the problem document."""
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.errors = errors or []
        self.headers = dict(headers or {})
        self.extra = extra

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """The first line of the class's docstring: the same for every occurrence (RFC 9457 section 3.1.4)."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    def problem(self, request_id: str) -> Problem:
        """This error as the document that a caller receives."""
        return Problem(
            type=f"urn:artstore:error:{self.code}",
            title=self.title(),
            status=self.status,
            detail=self.detail,
            code=self.code,
            request_id=request_id,
            errors=self.errors,
            **self.extra,
        )


def error_from(problem: Problem) -> ArtStoreError | None:
    """The error that `problem` tells of, as if raised here; None when its code is not in the table."""
    kind = error_table().get(problem.code)
    return kind(problem.detail, errors=problem.errors, **(problem.model_extra or {})) if kind else None


def error_table() -> dict[str, type[ArtStoreError]]:
    """Every error by its code."""
    return {kind.code: kind for kind in _descendants(ArtStoreError)}


def _descendants(kind: type[ArtStoreError]) -> Iterator[type[ArtStoreError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


# --- 307: somewhere else


class MasterElsewhere(ArtStoreError):
    """Another node is the master of this element and carries this out: send it to Location, method and body alike."""

    status = 307


# --- 400: the request itself is wrong


class BadRequest(ArtStoreError):
    """The request is malformed."""

    status = 400


class DigestMismatch(ArtStoreError):
    """The content received does not have the digest that was announced."""

    status = 400


class BadDigestHeader(ArtStoreError):
    """The digest header cannot be read; send `Repr-Digest: sha-256=:<base64>:`."""

    status = 400


class IncompleteBody(ArtStoreError):
    """The body ended before the announced length."""

    status = 400


class BodyTimeout(ArtStoreError):
    """For too long nothing of the body came."""

    status = 408


class BadCursor(ArtStoreError):
    """The cursor was not made by this service."""

    status = 400


# --- 401, 403: who you are, what you may


class NotAuthenticated(ArtStoreError):
    """A valid access token is required."""

    status = 401


class BadCredentials(ArtStoreError):
    """The name or the secret is wrong."""

    status = 401


class TotpRequired(ArtStoreError):
    """The password is right; send the code of the authenticator app, or a recovery code, too."""

    status = 401


class TotpCodeWrong(ArtStoreError):
    """The code is wrong or was used before."""

    status = 401


class RefreshTokenUnknown(ArtStoreError):
    """The refresh token is not known; log in again."""

    status = 401


class RefreshTokenReused(ArtStoreError):
    """The refresh token was used before, which ends the session of whoever holds it; log in again."""

    status = 401


class SessionEnded(ArtStoreError):
    """The session has ended; log in again."""

    status = 401


class PasswordChangeRequired(ArtStoreError):
    """The password must be changed before it lets anybody in: `POST /api/v1/auth/password`."""

    status = 403


class AccountSuspended(ArtStoreError):
    """The account is suspended."""

    status = 403


class ScopeMissing(ArtStoreError):
    """The token does not carry the scope that this operation needs."""

    status = 403


class GrantMissing(ArtStoreError):
    """The token carries no grant for this action on this collection."""

    status = 403


class HoldsMore(ArtStoreError):
    """You have no power over whoever holds a right that you do not hold."""

    status = 403


class ApprovalRequired(ArtStoreError):
    """This cannot be undone: it needs the approval of a second administrator."""

    status = 403


class ApprovalInvalid(ArtStoreError):
    """The approval does not allow this: it is not given, not given any more, or given for something else."""

    status = 403


class PersonRequired(ArtStoreError):
    """Only an administrator may do this: a person, not a program."""

    status = 403


class OwnRequest(ArtStoreError):
    """Nobody approves what they ask for themselves."""

    status = 403


class NotYourRequest(ArtStoreError):
    """Only whoever asked for it may withdraw it."""

    status = 403


class AccountLocked(ArtStoreError):
    """The account is locked after repeated failures."""

    status = 403


# --- the token endpoint: these are answered as RFC 6749 section 5.2 says, and their codes are that section's


class TokenRefused(ArtStoreError):
    """No token is given."""

    status = 400


class InvalidRequest(TokenRefused):
    """The token request lacks a parameter, repeats one or is malformed."""

    status = 400


class InvalidClient(TokenRefused):
    """The client is unknown or its secret is wrong."""

    status = 401


class InvalidScope(TokenRefused):
    """The account does not hold the scope that was asked for."""

    status = 400


class UnsupportedGrantType(TokenRefused):
    """The only grant type is client_credentials."""

    status = 400


class UnauthorizedClient(TokenRefused):
    """The client may not do this."""

    status = 400


# --- 404, 405


class NotFound(ArtStoreError):
    """There is nothing at this address."""

    status = 404


class MethodNotAllowed(ArtStoreError):
    """This address does not answer this method."""

    status = 405


class FileUnknown(ArtStoreError):
    """No file has this id."""

    status = 404


class ElementUnknown(ArtStoreError):
    """No storage element has this id."""

    status = 404


class AuditEntryUnknown(ArtStoreError):
    """The audit log has no such entry."""

    status = 404


class KeyUnknown(ArtStoreError):
    """There is no such signing key."""

    status = 404


class AccountUnknown(ArtStoreError):
    """No account has this name."""

    status = 404


class RoleUnknown(ArtStoreError):
    """No role has this name."""

    status = 404


class AdministratorUnknown(ArtStoreError):
    """No administrator has this name."""

    status = 404


class SessionUnknown(ArtStoreError):
    """No session that lasts has this id."""

    status = 404


class ApprovalUnknown(ArtStoreError):
    """No approval has this id."""

    status = 404


# --- 409, 412, 413, 415, 416, 422: the request meets the state of things


class ModeForbids(ArtStoreError):
    """The element's mode does not allow this operation."""

    status = 409


class FileExists(ArtStoreError):
    """Another file already has this id."""

    status = 409


class UploadInProgress(ArtStoreError):
    """Another upload with this id is under way."""

    status = 409


class UploadUnknown(ArtStoreError):
    """No open upload has this id: it was committed or aborted, it has expired, or it belongs to somebody else."""

    status = 404


class UploadOffsetMismatch(ArtStoreError):
    """The part does not begin where the upload ends; ask for the offset and go on from there."""

    status = 409


class UploadTakenOver(ArtStoreError):
    """Another request goes on with this upload; what came of this part does not count."""

    status = 409


class UploadIncomplete(ArtStoreError):
    """The upload cannot be committed before all of its bytes have come."""

    status = 409


class UploadLimitReached(ArtStoreError):
    """Too much is being uploaded to this element; try again later."""

    status = 503


class FileHeld(ArtStoreError):
    """The file is under a legal hold."""

    status = 409


class HoldExists(ArtStoreError):
    """The file is under a hold with this id already, for another reason."""

    status = 409


class TooManyHolds(ArtStoreError):
    """The file is under as many holds as a file can be."""

    status = 409


class FileRetained(ArtStoreError):
    """The file must be kept until its retention ends."""

    status = 409


class RetentionShortened(ArtStoreError):
    """A file's retention can be made longer here, never shorter."""

    status = 409


class CheckpointPending(ArtStoreError):
    """No checkpoint of the audit log has been signed that covers this; in ten seconds there is one."""

    status = 409


class ApprovalClosed(ArtStoreError):
    """It was decided, withdrawn or used already, or its time is over."""

    status = 409


class OwnAccount(ArtStoreError):
    """Nobody does this to their own account; ask another administrator."""

    status = 409


class TotpEnabled(ArtStoreError):
    """A second factor is set up already."""

    status = 409


class TotpNotEnabled(ArtStoreError):
    """No second factor is set up."""

    status = 409


class LastSuperAdmin(ArtStoreError):
    """One super_admin who is not suspended must remain."""

    status = 409


class ElementRemoved(ArtStoreError):
    """This storage element was taken out of the fleet; an administrator must let it back before it registers."""

    status = 409


class AccountExists(ArtStoreError):
    """An account with this name exists."""

    status = 409


class AccountIsSystem(ArtStoreError):
    """The fleet's own accounts are made by its settings and cannot be changed or deleted here."""

    status = 409


class SecretsOverlap(ArtStoreError):
    """The account has two secrets already; wait until the older one ends, or end both at once (overlap_s 0)."""

    status = 409


class RoleExists(ArtStoreError):
    """A role with this name exists."""

    status = 409


class RoleBuiltin(ArtStoreError):
    """A built-in role cannot be changed or removed."""

    status = 409


class RoleInUse(ArtStoreError):
    """Somebody holds this role; take it from them first."""

    status = 409


class IdempotencyInProgress(ArtStoreError):
    """A request with this Idempotency-Key is still being carried out."""

    status = 409


class RevisionMismatch(ArtStoreError):
    """It has changed since the revision that If-Match names."""

    status = 412


class PreconditionFailed(ArtStoreError):
    """The content is not the one that If-Match or If-Unmodified-Since names."""

    status = 412


class FileTooLarge(ArtStoreError):
    """The file is larger than the limit."""

    status = 413


class BodyTooLarge(ArtStoreError):
    """The body is larger than this address takes."""

    status = 413


class MediaTypeRefused(ArtStoreError):
    """Files of this media type are not accepted."""

    status = 415


class RangeNotSatisfiable(ArtStoreError):
    """The range lies outside the file."""

    status = 416


class InvalidFields(ArtStoreError):
    """One or more fields are invalid."""

    status = 422


class InvalidAttributes(ArtStoreError):
    """The attributes of the file are invalid."""

    status = 422


class AttributesTooLarge(ArtStoreError):
    """The attributes are larger than 4,096 bytes in attr.json."""

    status = 422


class WeakPassword(ArtStoreError):
    """The password would be guessed too easily."""

    status = 422


class IdempotencyKeyReused(ArtStoreError):
    """This Idempotency-Key was used for a different request."""

    status = 422


# --- 429: too often


class RateLimited(ArtStoreError):
    """Too many requests or failures in a short time; try again after the seconds that Retry-After names."""

    status = 429


# --- 5xx: the fleet's side


class InternalError(ArtStoreError):
    """Something failed inside; the request id finds it in the logs."""

    status = 500


class ElementAnsweredBadly(ArtStoreError):
    """The storage element answered something that cannot be used."""

    status = 502


class DependencyAnsweredBadly(ArtStoreError):
    """A service that this one needs answered something that cannot be used."""

    status = 502


class ContentCorrupt(ArtStoreError):
    """The stored content no longer has its digest; it was not served."""

    status = 502

    def __init__(self, detail: str = "", *, gone: bool = False, **more: Any) -> None:
        """502 while another reading may succeed; 410 when it is `gone`: it was moved away, and no retry will help."""
        super().__init__(detail, **(more | {"gone": True} if gone else more))
        if gone:
            self.status = 410


class StorageFault(ArtStoreError):
    """The element met a storage error and takes no writes until it is restarted."""

    status = 503


class NoMaster(ArtStoreError):
    """The storage element is between two masters and takes no writes for a moment; try again."""

    status = 503


class StorageUnavailable(ArtStoreError):
    """What keeps the files of this element cannot be reached now; try again."""

    status = 503


class ElementUnavailable(ArtStoreError):
    """The storage element that keeps this file cannot be reached."""

    status = 503


class NoElementAvailable(ArtStoreError):
    """No storage element can take this file now."""

    status = 503


class IndexUnavailable(ArtStoreError):
    """The index cannot be read now; nothing is lost, try again."""

    status = 503


class RegistryUnavailable(ArtStoreError):
    """The list of storage elements cannot be read and none is remembered."""

    status = 503


class IdempotencyUnavailable(ArtStoreError):
    """Idempotency-Key cannot be honoured now; try again, or send the request without it."""

    status = 503


class DependencyUnavailable(ArtStoreError):
    """A service that this one needs cannot be reached."""

    status = 503


class DependencyUnreached(DependencyUnavailable):
    """A service that this one needs takes no connection; nothing was sent to it."""

    status = 503


class DatabaseUnavailable(DependencyUnavailable):
    """The database cannot be reached or cannot carry out statements now."""

    status = 503


class RedisUnavailable(DependencyUnavailable):
    """Redis cannot be reached or cannot carry out commands now."""

    status = 503


class CircuitOpen(DependencyUnavailable):
    """A service that this one needs has failed repeatedly and is given time to recover."""

    status = 503


class TokensUnverifiable(DependencyUnavailable):
    """The signing keys cannot be fetched, so no token can be checked."""

    status = 503


class SigningKeyMissing(ArtStoreError):
    """The admin module has no key to sign tokens with."""

    status = 503


class AuditSpoolFault(ArtStoreError):
    """Entries of the audit log may not be on stable storage after an error of the disk; this needs a restart."""

    status = 503


class AuditLogDamaged(ArtStoreError):
    """The audit log is not what was written; this must be looked into before it goes on."""

    status = 503


class DeadlineExceeded(ArtStoreError):
    """The answer did not come within its deadline."""

    status = 504


class StorageFull(ArtStoreError):
    """The element has no room for this file."""

    status = 507


class AuditSpoolFull(ArtStoreError):
    """There is no room for entries of the audit log."""

    status = 507
