"""Documents name only what exists: paths, routes, settings, metrics, launcher commands, error codes."""

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from artstore_kit.contracts.errors import error_table
from artstore_kit.settings import PREFIX, variables
from tests.house.the_house import ROOT, SERVICES, application_of, documents, settings_of

CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
PATH = re.compile(r"^(?:[\w.-]+/)+[\w.-]*$")
ROUTE = re.compile(r"(?:^|\s)(/(?:api/v1|health|\.well-known|metrics)[^\s?`]*)")
METRIC = re.compile(r"^artstore_[a-z_]+$")
OUTSIDE = ("files/", "journal/", "staging/", "quarantine/", "data/", "logs/", "secrets/", "run/")
"""Folders of an element or of a running fleet, not of the repository."""
LAUNCHER_VARIABLES = re.compile(rf'"({PREFIX}[A-Z_]+)"')


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    named = LINK.findall(text) + [code for code in CODE.findall(text) if PATH.match(code) and _is_ours(code)]
    missing = [each for each in named if not _exists(document, each.split(":")[0])]
    assert missing == []


def test_routes_exist() -> None:
    known = {_shape(path) for package in SERVICES.values() for path in application_of(package).openapi()["paths"]}
    known |= {"/metrics", "/openapi.json"}
    wrong = {
        (document.name, route)
        for document in documents()
        for code in CODE.findall(document.read_text())
        for route in ROUTE.findall(code)
        if _shape(route) not in known and not route.endswith("/v1")
    }
    assert wrong == set()


@pytest.mark.parametrize(("folder", "package"), SERVICES.items())
def test_the_readme_lists_every_route(folder: str, package: str) -> None:
    paths = application_of(package).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    listed = {_shape(code) for code in CODE.findall((ROOT / folder / "README.md").read_text())}
    assert {route for route in routes if _shape(route) not in listed} == set()


def test_settings_exist() -> None:
    known = {name for package in SERVICES.values() for name, _ in variables(settings_of(package))}
    known |= {name for path in (ROOT / "tools").rglob("*.py") for name in LAUNCHER_VARIABLES.findall(path.read_text())}
    known |= set(LAUNCHER_VARIABLES.findall((ROOT / "conftest.py").read_text()))
    named = {
        (document.name, name)
        for document in documents()
        for name in re.findall(rf"{PREFIX}[A-Z0-9_]*[A-Z0-9]", document.read_text())
        if name not in known and name.removesuffix("_FILE") not in known
    }
    assert named == set()


def test_metrics_exist() -> None:
    for package in SERVICES.values():
        application_of(package)
    known = {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    known |= {metric.name for metric in REGISTRY.collect()} | {f"{m.name}_total" for m in REGISTRY.collect()}
    named = {code for document in documents() for code in CODE.findall(document.read_text()) if METRIC.match(code)}
    packages = {"artstore_kit", "artstore_admin", "artstore_query"}
    assert {name for name in named - known if not name.startswith("artstore_se_")} - packages == set()


def test_error_codes_in_tables_exist() -> None:
    known = set(error_table())
    for document in documents():
        named = set(re.findall(r"\b[45]\d\d `([a-z_]+)`", document.read_text()))
        assert named - known == set(), document.name


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


def _is_ours(code: str) -> bool:
    """Whether it looks like a path of this repository, and not a media type, a route or an import."""
    first = code.split("/", maxsplit=1)[0]
    return (ROOT / first).exists() and not code.startswith(OUTSIDE)


def _exists(document: Path, named: str) -> bool:
    return (document.parent / named).exists() or (ROOT / named).exists()


def _shape(route: str) -> str:
    return re.sub(r"\{\w+\}", "{}", route.rstrip("/.,"))
