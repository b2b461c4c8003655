"""Every router is mounted, every route says what it needs, and each service's OpenAPI file is current."""

import json
import pkgutil
from importlib import import_module

import pytest
from fastapi import APIRouter

from artstore_kit.exchange import ByteRoute
from artstore_kit.frame import API_PREFIX
from tests.house.the_house import ROOT, SERVICES, application_of


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
