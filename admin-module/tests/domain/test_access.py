"""What is explained is what is enforced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from admin_module.domain.access import UNKNOWN, Standing, explained
from admin_module.domain.rights import NOTHING, Rights
from artstore_kit.contracts.access import AccessAnswer, AccessCode, AccessQuestion, AccessReason, SubjectKind
from artstore_kit.contracts.errors import GrantMissing, ScopeMissing
from artstore_kit.contracts.identity import FOR_SERVICES, LOGIN_CLIENT, Action, Grant, Scope
from artstore_kit.principal import Principal

names = st.text("ab/", min_size=1, max_size=4)
grants = st.builds(
    Grant,
    collection=st.text("ab/*", min_size=1, max_size=4),
    actions=st.frozensets(st.sampled_from(Action), min_size=1),
)
some_rights = st.builds(
    lambda scopes, grants: Rights(scopes, tuple(grants)),
    st.frozensets(st.sampled_from([scope.value for scope in Scope])),
    st.lists(grants, max_size=3),
)
sources = st.dictionaries(st.sampled_from(["own", "role:a", "role:b", "role:c"]), some_rights)
SUSPENDED = AccessReason(code=AccessCode.ACCOUNT_SUSPENDED, detail="It is suspended.")
AGAINST_SCOPE, AGAINST_GRANT = {AccessCode.SCOPE_MISSING}, {AccessCode.GRANT_MISSING}


KINDS = (SubjectKind.ADMINISTRATOR, SubjectKind.SERVICE_ACCOUNT)


def principal_with(sources: dict[str, Rights], kind: SubjectKind = SubjectKind.ADMINISTRATOR) -> Principal:
    """Whose token carries what the sources come to."""
    rights = NOTHING.with_all(sources.values())
    client_id = LOGIN_CLIENT if kind is SubjectKind.ADMINISTRATOR else "ann"
    return Principal("ann", client_id, rights.scopes, rights.grants, frozenset(), 0)


def codes(answer: AccessAnswer) -> set[AccessCode]:
    return {reason.code for reason in answer.reasons}


@given(sources=sources, scope=st.sampled_from(Scope), kind=st.sampled_from(KINDS))
def test_scopes_are_explained_as_they_are_required(sources: dict[str, Rights], scope: Scope, kind: SubjectKind) -> None:
    """What a person may give but not use is told as both: who gives it, and that it is missing."""
    answer = explained(AccessQuestion(subject="ann", scope=scope), Standing(kind, (), sources))
    giving = {source for source, rights in sources.items() if scope in rights.scopes}
    held = {AccessCode.SCOPE_HELD} if giving else set()
    try:
        principal_with(sources, kind).require(scope)
    except ScopeMissing:
        assert (answer.allowed, codes(answer)) == (False, AGAINST_SCOPE | held)
    else:
        assert (answer.allowed, codes(answer)) == (True, held)
    assert {reason.source for reason in answer.reasons if reason.code is AccessCode.SCOPE_HELD} == giving


@pytest.mark.parametrize("kind", KINDS)
def test_the_scopes_of_services_are_for_services(kind: SubjectKind) -> None:
    standing = Standing(kind, (), {"own": Rights(frozenset(Scope))})
    allowed = {scope for scope in Scope if explained(AccessQuestion(subject="ann", scope=scope), standing).allowed}
    assert allowed == set(Scope) - (FOR_SERVICES if kind is SubjectKind.ADMINISTRATOR else set())


@given(sources=sources, action=st.sampled_from(Action), collection=names)
def test_files_are_explained_as_they_are_guarded(sources: dict[str, Rights], action: Action, collection: str) -> None:
    question = AccessQuestion(subject="ann", action=action, collection=collection)
    answer = explained(question, Standing(SubjectKind.SERVICE_ACCOUNT, (), sources))
    principal, refused = principal_with(sources), set[AccessCode]()
    try:
        principal.require(Scope(f"files:{action}"))
    except ScopeMissing:
        refused |= AGAINST_SCOPE
    try:
        principal.require_grant(action, collection)
    except GrantMissing:
        refused |= AGAINST_GRANT
    assert (answer.allowed, {code for code in codes(answer) if not code.is_held}) == (not refused, refused)
    giving = {reason.source for reason in answer.reasons if reason.code is AccessCode.GRANT_HELD}
    assert giving == {name for name, each in sources.items() if principal_with({name: each}).may(action, collection)}


@given(sources=sources, scope=st.sampled_from(Scope))
def test_what_stands_in_the_way_outweighs_every_right(sources: dict[str, Rights], scope: Scope) -> None:
    standing = Standing(SubjectKind.SERVICE_ACCOUNT, (SUSPENDED,), sources)
    answer = explained(AccessQuestion(subject="ann", scope=scope), standing)
    assert not answer.allowed
    assert answer.reasons[0] == SUSPENDED


def test_nobody_may_nothing() -> None:
    answer = explained(AccessQuestion(subject="nobody", scope=Scope.FILES_READ), UNKNOWN)
    assert (answer.kind, answer.allowed) == (SubjectKind.UNKNOWN, False)
    assert codes(answer) == {AccessCode.ACCOUNT_UNKNOWN, AccessCode.SCOPE_MISSING}


@pytest.mark.parametrize(
    ("asked", "scope"),
    [
        ({"scope": "files:hold"}, Scope.FILES_HOLD),
        ({"action": "read", "collection": "hr"}, Scope.FILES_READ),
        ({"action": "delete", "collection": "*"}, Scope.FILES_DELETE),
        ({"scope": "files:hold", "action": "write", "collection": "hr"}, Scope.FILES_HOLD),
    ],
)
def test_which_scope_a_question_is_about(asked: dict[str, object], scope: Scope) -> None:
    assert AccessQuestion.model_validate({"subject": "ann", **asked}).scope_asked is scope


@pytest.mark.parametrize(
    "asked", [{}, {"action": "read"}, {"collection": "hr"}, {"scope": "files:read", "collection": "a"}]
)
def test_questions_that_ask_nothing(asked: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AccessQuestion.model_validate({"subject": "ann", **asked})
