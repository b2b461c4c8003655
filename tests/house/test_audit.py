"""Every route says what the audit log is told of it."""

import re

import pytest

from artstore_kit.contracts.audit import ACTION_PATTERN
from tests.house.the_house import SERVICES, application_of, declarations_of

SAY = "say in <package>/api/audited.py what the audit log is told of it"
NOBODY_NEEDS_TO_KNOW = re.compile(r"GET /(health/.*|metrics|\.well-known/.*)")
"""Public, the same for everybody, and about nobody: asked for each second by balancers and monitors."""

UNTOLD_ALLOWED = {
    "admin_module": {
        "GET /api/v1/audit/checkpoint",
        "GET /api/v1/audit/proofs/consistency",
        "GET /api/v1/elements",
        "GET /api/v1/elements/{element_id}",
        "GET /api/v1/revocations",
        "POST /api/v1/elements/{element_id}/reports",
    },
    "storage_element": {
        "GET /api/v1/changes",
        "GET /api/v1/element",
        "GET /api/v1/element/expiry",
        "GET /api/v1/element/reconcile",
        "GET /api/v1/element/scrub",
        "GET /api/v1/uploads/{upload_id}",
    },
}
"""Reads of which no entry is made when they succeed, service by service: whoever adds one has thought about it."""


@pytest.mark.parametrize("package", SERVICES.values())
def test_every_route_says_what_the_audit_log_is_told(package: str) -> None:
    paths = application_of(package).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    silent = {route for route in routes if not NOBODY_NEEDS_TO_KNOW.fullmatch(route)} - set(declarations_of(package))
    assert silent == set(), SAY
    assert set(declarations_of(package)) - routes == set(), "there is no such route"


@pytest.mark.parametrize("package", SERVICES.values())
def test_whatever_is_read_is_told_but_for_a_few(package: str) -> None:
    untold = {
        route
        for route, audited in declarations_of(package).items()
        if audited.untold and (route.startswith("GET") or audited.action == "element.report")
    }
    assert untold == UNTOLD_ALLOWED.get(package, set())


@pytest.mark.parametrize("package", SERVICES.values())
def test_actions_and_resources_can_be_made(package: str) -> None:
    for route, audited in declarations_of(package).items():
        assert re.fullmatch(ACTION_PATTERN, audited.action), route
        params = dict.fromkeys(re.findall(r"\{(\w+)\}", route), "x")
        assert "{" not in audited.resource_of(params), route
