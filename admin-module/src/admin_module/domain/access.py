"""Why somebody may do something, or may not: decided by the code that decides about requests."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from admin_module.domain.rights import NOTHING, Rights
from artstore_kit.contracts.access import AccessAnswer, AccessCode, AccessQuestion, AccessReason, SubjectKind
from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.contracts.identity import LOGIN_CLIENT, Action, Scope
from artstore_kit.principal import Principal

OWN = "own"


@dataclass(frozen=True)
class Standing:
    """What is known of a subject: why it would get no token now, and its rights by where they come from."""

    kind: SubjectKind
    obstacles: tuple[AccessReason, ...] = ()
    sources: Mapping[str, Rights] = field(default_factory=dict)


UNKNOWN = Standing(
    SubjectKind.UNKNOWN, (AccessReason(code=AccessCode.ACCOUNT_UNKNOWN, detail="Nobody has this name."),)
)


def explained(question: AccessQuestion, standing: Standing) -> AccessAnswer:
    """The answer, with every source of what is held and everything that is missing."""
    everything = _principal(question.subject, standing, NOTHING.with_all(standing.sources.values()))
    reasons = [*standing.obstacles, *_about_scope(question.scope_asked, everything, standing)]
    if question.action is not None and question.collection is not None:
        reasons += _about_grant(question.action, question.collection, everything, standing)
    return AccessAnswer(
        subject=question.subject,
        kind=standing.kind,
        allowed=all(reason.code.is_held for reason in reasons),
        reasons=reasons,
    )


def _about_scope(scope: Scope, everything: Principal, standing: Standing) -> Iterator[AccessReason]:
    if missing := _refusal(lambda: everything.require(scope)):
        yield AccessReason(code=AccessCode.SCOPE_MISSING, detail=missing.detail)
    for source, rights in standing.sources.items():
        if scope in rights.scopes:
            yield AccessReason(code=AccessCode.SCOPE_HELD, source=source, detail=f"The scope {scope.value}.")


def _about_grant(action: Action, collection: str, everything: Principal, standing: Standing) -> Iterator[AccessReason]:
    if missing := _refusal(lambda: everything.require_grant(action, collection)):
        yield AccessReason(code=AccessCode.GRANT_MISSING, detail=missing.detail)
    for source, rights in standing.sources.items():
        for grant in rights.grants:
            if grant.covers(action, collection):
                detail = f"The grant on '{grant.collection}' for {', '.join(sorted(grant.actions))}."
                yield AccessReason(code=AccessCode.GRANT_HELD, source=source, detail=detail)


def _refusal(check: Callable[[], None]) -> ArtStoreError | None:
    try:
        check()
    except ArtStoreError as error:
        return error
    return None


def _principal(subject: str, standing: Standing, rights: Rights) -> Principal:
    client_id = LOGIN_CLIENT if standing.kind is SubjectKind.ADMINISTRATOR else subject
    return Principal(subject, client_id, rights.scopes, rights.grants, frozenset(), expires_at=0)
