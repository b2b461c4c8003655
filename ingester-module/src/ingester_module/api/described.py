"""What a sender says of a file, as JSON or in single fields, as `UploadAttributes`."""

from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import from_json

from artstore_kit.contracts.errors import FieldProblem, InvalidAttributes
from artstore_kit.contracts.files import UploadAttributes

JSON_LIMIT_BYTES = 16 * 1024
SINGLE_FIELDS = ("name", "collection", "media_type", "retention", "description")
REPEATED_FIELD = "tag"
_UNTOLD = frozenset(
    {"application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded", "multipart/form-data"}
)
"""The types that clients send when nobody told them."""

type Described = dict[str, object]


def from_document(document: bytes) -> Described:
    """The members of a JSON object."""
    if len(document) > JSON_LIMIT_BYTES:
        raise InvalidAttributes(f"The attributes are at most {JSON_LIMIT_BYTES} bytes of JSON.")
    try:
        described = from_json(document, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidAttributes(f"The attributes are not valid JSON: {error}.") from None
    if not isinstance(described, dict):
        raise InvalidAttributes("The attributes are a JSON object.")
    return described


def from_fields(fields: Iterable[tuple[str, str]]) -> Described:
    """Single fields; `retention` is a kind (`temporary`, `permanent`), `tag` may come several times."""
    described: Described = {}
    tags: list[str] = []
    for name, value in fields:
        if name == REPEATED_FIELD:
            tags.append(value)
        elif name in described:
            raise _wrong(name, "given twice")
        elif name in SINGLE_FIELDS:
            described[name] = {"kind": value} if name == "retention" else value
        else:
            raise _wrong(name, f"not one of {', '.join((*SINGLE_FIELDS, REPEATED_FIELD))}")
    return {**described, "tags": tags} if tags else described


def attributes(described: Described, *, content_type: str | None, file_name: str | None = None) -> UploadAttributes:
    """What was said, completed by what the content's own headers say."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type and media_type not in _UNTOLD:
        described.setdefault("media_type", media_type)
    if file_name is not None:
        described.setdefault("name", file_name)
    try:
        return UploadAttributes.model_validate(described)
    except ValidationError as error:
        problems = [FieldProblem(field=".".join(map(str, p["loc"])), message=p["msg"]) for p in error.errors()]
        raise InvalidAttributes(f"{problems[0].field}: {problems[0].message}", errors=problems) from None


def _wrong(name: str, message: str) -> InvalidAttributes:
    return InvalidAttributes(f"{name[:64]}: {message}", errors=[FieldProblem(field=name[:64], message=message)])
