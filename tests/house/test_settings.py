"""Every setting is described and documented, and every documented one exists."""

import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from artstore_kit.settings import PREFIX, variables
from tests.house.the_house import ROOT, SERVICES, settings_of

_NAMED = re.compile(rf"{PREFIX}[A-Z0-9_]+")
_ROW = re.compile(rf"^\| `({PREFIX}[A-Z0-9_]+)` \| *([^|]*?) *\|", re.M)
WITH_A_BUCKET = "required with a bucket"


@pytest.mark.parametrize("package", SERVICES.values())
def test_every_setting_says_what_it_is(package: str) -> None:
    assert [name for name, description in variables(settings_of(package)) if not description] == []


@pytest.mark.parametrize(("folder", "package"), SERVICES.items())
def test_the_readme_lists_every_setting_and_no_other(folder: str, package: str) -> None:
    known = {name for name, _ in variables(settings_of(package))}
    named = set(_NAMED.findall((ROOT / folder / "README.md").read_text()))
    assert known - named == set(), "not documented"
    assert {name.removesuffix("_FILE") for name in named} - known == set(), "documented, but not read"


@pytest.mark.parametrize(("folder", "package"), SERVICES.items())
def test_the_readme_tells_the_default_of_each(folder: str, package: str) -> None:
    told = dict(_ROW.findall((ROOT / folder / "README.md").read_text()))
    wrong = {
        name: told[name]
        for name, field in _fields(settings_of(package))
        if told[name].strip("`") != _default(field) and not (field.default is None and told[name] == WITH_A_BUCKET)
    }
    assert wrong == {}


@pytest.mark.parametrize("package", SERVICES.values())
def test_numbers_have_their_unit_in_their_name(package: str) -> None:
    units = ("_s", "_ms", "_hours", "_days", "_bytes", "_size", "_ratio", "_limit", "_count", "_in_flight")
    wrong = [name for name in _numbers(package) if not name.lower().endswith((*units, "port", "priority"))]
    assert wrong == []


def _fields(kind: type[BaseModel], prefix: str = PREFIX) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in kind.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", field


def _default(field: FieldInfo) -> str:
    """As a README says it."""
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if str(default) not in {"None", "[]"} else ""


def _numbers(package: str) -> list[str]:
    found: list[str] = []
    for block in settings_of(package).model_fields.values():
        for name, field in getattr(block.annotation, "model_fields", {}).items():
            if field.annotation in {int, float}:
                found.append(name)
    return found
