"""A request that hands a file in, as `NewFile`: a raw body described in a header or the query, or a form."""

from artstore_kit.contracts.errors import BadRequest, InvalidAttributes
from artstore_kit.contracts.files import ATTRIBUTES_HEADER, UploadAttributes
from artstore_kit.contracts.idempotency import IDEMPOTENCY_KEY_HEADER, checked_key
from artstore_kit.digests import CONTENT_DIGEST_HEADER, REPR_DIGEST_HEADER, parse_sha256
from artstore_kit.exchange import Exchange
from ingester_module.api import described
from ingester_module.api.form import FILE_PART, Form, Part
from ingester_module.domain.intake import NewFile

ATTRIBUTES_PART = "attributes"
_FORM = "multipart/form-data"
_FORM_OVERHEAD_BYTES = 1024 * 1024
"""More than the fields, headers and boundaries of an honest form take."""


async def new_file[S](exchange: Exchange[S]) -> NewFile:
    """What is sent, read up to the first byte of its content."""
    idempotency_key = checked_key(exchange.header(IDEMPOTENCY_KEY_HEADER))
    content_type = exchange.header("content-type") or ""
    if content_type.partition(";")[0].strip().lower() == _FORM:
        return await _from_form(exchange, content_type, idempotency_key)
    _refuse_coding(exchange)
    return NewFile(
        attributes=_raw_attributes(exchange, content_type),
        content=exchange.body(),
        announced_bytes=exchange.content_length(),
        announced_sha256=_announced_sha256(exchange),
        idempotency_key=idempotency_key,
    )


async def _from_form[S](exchange: Exchange[S], content_type: str, idempotency_key: str | None) -> NewFile:
    """A form's digest and length are not the file's, so that none is announced."""
    if exchange.raw_header(ATTRIBUTES_HEADER) is not None or exchange.query():
        raise BadRequest("Describe a file that is sent in a form in the form's own fields.")
    form = Form(content_type, exchange.body())
    file = await form.read_fields()
    return NewFile(
        attributes=_form_attributes(form.fields, file),
        content=form.content(),
        least_bytes=(exchange.content_length() or 0) - _FORM_OVERHEAD_BYTES,
        idempotency_key=idempotency_key,
    )


def _raw_attributes[S](exchange: Exchange[S], content_type: str) -> UploadAttributes:
    document = exchange.raw_header(ATTRIBUTES_HEADER)
    fields = exchange.query()
    if document is not None and fields:
        raise BadRequest(f"Describe the file either in {ATTRIBUTES_HEADER} or in the query, not in both.")
    if document is None and not fields:
        raise BadRequest('Describe the file: `?name=report.pdf`, or `X-ArtStore-Attributes: {"name": "report.pdf"}`.')
    told = described.from_fields(fields) if document is None else described.from_document(document)
    return described.attributes(told, content_type=content_type)


def _form_attributes(fields: list[Part], file: Part) -> UploadAttributes:
    documents = [part for part in fields if part.name == ATTRIBUTES_PART]
    if documents and len(fields) > 1:
        raise InvalidAttributes(f"Describe the file either in one part '{ATTRIBUTES_PART}' or in single fields.")
    if documents:
        told = described.from_document(bytes(documents[0].data))
    else:
        told = described.from_fields((part.name, part.text()) for part in fields)
    return described.attributes(
        told, content_type=file.headers.get("content-type"), file_name=file.file_name or FILE_PART
    )


def _announced_sha256[S](exchange: Exchange[S]) -> bytes | None:
    """Of the two fields either will do: nothing codes the content on its way."""
    representation = parse_sha256(exchange.header(REPR_DIGEST_HEADER))
    content = parse_sha256(exchange.header(CONTENT_DIGEST_HEADER))
    if representation and content and representation != content:
        raise BadRequest(f"{REPR_DIGEST_HEADER} and {CONTENT_DIGEST_HEADER} announce different content.")
    return representation or content


def _refuse_coding[S](exchange: Exchange[S]) -> None:
    """What is stored is what was sent: a coded body would not be the file."""
    if (exchange.header("content-encoding") or "identity").strip().lower() != "identity":
        raise BadRequest("Send the content as it is, without Content-Encoding.")
