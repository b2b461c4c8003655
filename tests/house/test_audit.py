"""Every route says what the audit log is told of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from artstore_kit.contracts.audit import ACTION_PATTERN
from tests.house.the_house import ROOT, SERVICES, application_of, declarations_of, tracked_files

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

TELLING = {"Deed", "Draft", "Revision", "AuditOutcome"}
"""Whoever tells of something by itself names one of these."""

NO_ACTIONS = {"http.request"}
"""What looks like an action where things are told, and is none."""


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
        if (audited.untold or audited.untold_of_services)
        and (route.startswith("GET") or audited.action == "element.report")
    }
    assert untold == UNTOLD_ALLOWED.get(package, set())


@pytest.mark.parametrize("package", SERVICES.values())
def test_actions_and_resources_can_be_made(package: str) -> None:
    for route, audited in declarations_of(package).items():
        assert re.fullmatch(ACTION_PATTERN, audited.action), route
        params = dict.fromkeys(re.findall(r"\{(\w+)\}", route), "x")
        assert "{" not in audited.resource_of(params), route


def test_the_protocol_lists_every_action_and_no_other() -> None:
    text = (ROOT / "docs" / "protocols" / "audit.md").read_text()
    rows = re.findall(r"^\| (`[^|]*) \|", text.partition("\n## Actions\n")[2].partition("\n## ")[0], re.M)
    listed = [action for row in rows for action in re.findall(r"`([^`]+)`", row)]
    declared = {audited.action for package in SERVICES.values() for audited in declarations_of(package).values()}
    told = {action for path in _telling() for action in _strings(path) if re.fullmatch(ACTION_PATTERN, action)}
    assert sorted(listed) == sorted((declared | told) - NO_ACTIONS)


def test_an_action_is_written_whole() -> None:
    """So that whoever finds it in the log finds it in the code."""
    nouns = {
        audited.action.split(".")[0] for package in SERVICES.values() for audited in declarations_of(package).values()
    }
    made = re.compile(rf"f[\"'](?:{'|'.join(sorted(nouns))})\.\{{")
    assert [path.name for path in _telling() if made.search(path.read_text())] == []


def _telling() -> Iterator[Path]:
    """The modules that tell the log something by themselves."""
    for path in tracked_files("*/src/*.py"):
        tree = ast.parse(path.read_text())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.alias)}
        if names & TELLING:
            yield path


def _strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
