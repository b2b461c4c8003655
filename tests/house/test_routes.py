"""Every router is mounted, every route says what it needs, and each service's OpenAPI file is current."""

import json
import pkgutil
from importlib import import_module

import pytest
from fastapi import APIRouter

from artstore_kit.contracts.identity import Scope
from artstore_kit.exchange import ByteRoute
from artstore_kit.frame import API_PREFIX
from artstore_kit.rights import MEANINGS, SCHEME
from tests.house.the_house import ROOT, SERVICES, application_of

ALWAYS_PUBLIC = ("/health/live", "/health/ready", "/metrics")
PUBLIC_ROUTES = {
    "admin_module": {
        "get /.well-known/artstore",
        "get /.well-known/artstore-audit",
        "get /api/v1/audit/checkpoint",
        "get /api/v1/audit/proofs/consistency",
        "get /.well-known/jwks.json",
        "get /.well-known/oauth-authorization-server",
        "post /api/v1/auth/introspect",
        "post /api/v1/auth/login",
        "post /api/v1/auth/logout",
        "post /api/v1/auth/password",
        "post /api/v1/auth/refresh",
        "post /api/v1/auth/revoke",
        "post /api/v1/auth/token",
    }
}
"""What is answered without an access token, service by service: whoever adds a route here has thought about it."""

FOR_EVERYBODY_KNOWN: dict[str, set[str]] = {
    "admin_module": {
        "delete /api/v1/auth/sessions/{session_id}",
        "get /api/v1/auth/sessions",
        "post /api/v1/auth/totp",
        "post /api/v1/auth/totp/confirm",
        "post /api/v1/auth/totp/disable",
        "post /api/v1/auth/totp/recovery-codes",
        "post /api/v1/access/explain",
    }
}
"""What any valid token is good for, whatever its scopes."""


@pytest.mark.parametrize(("folder", "package"), SERVICES.items())
def test_the_openapi_file_is_current(folder: str, package: str) -> None:
    exported = json.loads((ROOT / folder / "openapi.json").read_text())
    assert exported == application_of(package).openapi(), "run `./fleet openapi`"


@pytest.mark.parametrize("package", SERVICES.values())
def test_every_router_is_mounted(package: str) -> None:
    paths = application_of(package).openapi()["paths"]
    assert [path for path in _declared_paths(package) if path not in paths] == []


@pytest.mark.parametrize("package", SERVICES.values())
def test_every_operation_has_an_id_of_its_own(package: str) -> None:
    operations = [
        op["operationId"] for path in application_of(package).openapi()["paths"].values() for op in path.values()
    ]
    assert len(operations) == len(set(operations))


@pytest.mark.parametrize("package", SERVICES.values())
def test_every_operation_declares_what_it_demands(package: str) -> None:
    operations = {
        f"{method} {path}": operation
        for path, methods in application_of(package).openapi()["paths"].items()
        for method, operation in methods.items()
    }
    public = {name for name, operation in operations.items() if operation.get("security") == []}
    silent = {name for name, operation in operations.items() if "security" not in operation}
    without_scope = {
        name
        for name, operation in operations.items()
        if name not in public | silent and not operation["security"][0][SCHEME]
    }
    assert silent == set()
    assert without_scope == FOR_EVERYBODY_KNOWN.get(package, set())
    assert {name for name in public if not name.endswith(ALWAYS_PUBLIC)} == PUBLIC_ROUTES.get(package, set())


def test_every_scope_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Scope)


def _declared_paths(package: str) -> set[str]:
    """The paths of every router and byte route that a module of `<package>.api` declares."""
    api = import_module(f"{package}.api")
    modules = [import_module(f"{package}.api.{found.name}") for found in pkgutil.iter_modules(api.__path__)]
    values = [value for module in modules for value in vars(module).values()]
    byte_routes = [each for value in values if isinstance(value, list | tuple) for each in value]
    paths = {route.path for route in byte_routes if isinstance(route, ByteRoute)}
    for router in values:
        if isinstance(router, APIRouter):
            prefix = "" if router.prefix.startswith("/.well-known") else API_PREFIX
            paths |= {prefix + str(getattr(route, "path", "")) for route in router.routes}
    assert paths, f"{package}.api declares no route"
    return paths
