"""Every operation of every service, as the four OpenAPI files declare them, and requests to try it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.contracts.identity import Action
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.uploads import OFFSET_HEADER
from artstore_kit.rights import GRANT_FIELD, SCHEME
from tools.fleet.layout import ROOT

PARTS = {"admin-module": "admin", "storage-element": "edit-1", "ingester-module": "ingester", "query-module": "query"}
"""Which part of the fleet stands for the service: the element that allows most."""

NOBODY = "nobody-here"
FILE = "file_id"
UPLOAD = "upload_id"


@dataclass(frozen=True)
class Operation:
    """One operation, what it declares, and how it is asked."""

    part: str
    method: str
    path: str
    scopes: frozenset[str] | None
    """All are needed; None: it is public."""
    grant: Action | None
    parameters: tuple[Mapping[str, Any], ...] = field(repr=False, compare=False)
    body: Mapping[str, Any] | None = field(repr=False, compare=False)
    """The schema of its JSON body."""

    def __str__(self) -> str:
        return f"{self.part} {self.method} {self.path}"

    @property
    def acts_at_once(self) -> bool:
        """Whether an empty request would change something: neither an unknown name nor a missing field stops it."""
        asks_for_something = "{" in self.path or bool(self.body and self.body.get("required"))
        return self.method not in {"GET", "HEAD"} and not asks_for_something and not self._takes_bytes

    @property
    def _takes_bytes(self) -> bool:
        """It wants the attributes of a file, or a batch of files: an empty one is refused."""
        return self.path == "/api/v1/files"

    @property
    def goes_on_with_an_upload(self) -> bool:
        """What it is about is no file yet."""
        return f"{{{UPLOAD}}}" in self.path

    def empty(self) -> dict[str, Any]:
        """A request that does nothing to anybody: it names what is not there and says nothing."""
        return {"method": self.method, "url": self._at({}), **({"json": {}} if self.body else {})}

    def real(self, its_id: UUID, collection: str) -> dict[str, Any]:
        """A request that would work on this file or upload."""
        attributes = {"name": "matrix.txt", "collection": collection}
        request = {
            "method": self.method,
            "url": self._at({UPLOAD if self.goes_on_with_an_upload else FILE: str(its_id)}),
        }
        if self.body:
            return request | {"json": self._body(attributes)}
        return request | {"headers": {ATTRIBUTES_HEADER: json.dumps(attributes), OFFSET_HEADER: "0"}}

    def _body(self, attributes: Mapping[str, str]) -> Mapping[str, Any]:
        if self.path == "/api/v1/uploads":
            return {"file_id": str(new_file_id()), "attributes": attributes, "size": 1}
        if self.path.endswith("/holds/{hold_id}"):
            return {"reason": "tried by the matrix"}
        return {"description": "tried by the matrix"}

    def _at(self, known: Mapping[str, str]) -> str:
        values = {each["name"]: _unknown(each) for each in self.parameters if each["in"] == "path"}
        return self.path.format(**{**values, **known})


def operations() -> Iterator[Operation]:
    """All of them."""
    for folder, part in PARTS.items():
        document = json.loads((ROOT / folder / "openapi.json").read_text())
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                yield _operation(part, method, path, operation, document["components"]["schemas"])


def _operation(
    part: str, method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Operation:
    demanded = [set(each[SCHEME]) for each in operation["security"]]
    grant = operation.get(GRANT_FIELD)
    content = operation.get("requestBody", {}).get("content", {})
    schema = content["application/json"]["schema"] if content.keys() >= {"application/json"} else None
    if schema and "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return Operation(
        part,
        method.upper(),
        path,
        frozenset(demanded[0]) if demanded else None,
        Action(grant) if grant else None,
        tuple(operation.get("parameters", ())),
        schema,
    )


def _unknown(parameter: Mapping[str, Any]) -> str:
    return str(new_file_id()) if parameter["schema"].get("format") == "uuid" else NOBODY
