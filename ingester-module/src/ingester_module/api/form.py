"""`multipart/form-data` (RFC 7578) read as a stream: fields first, then one file, which is never held."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from artstore_kit.contracts.errors import BadRequest, IncompleteBody
from ingester_module.api.described import JSON_LIMIT_BYTES

FILE_PART = "file"
FIELDS_LIMIT = 100
FIELDS_LIMIT_BYTES = 2 * JSON_LIMIT_BYTES
_PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})


@dataclass
class Part:
    """A part of the form. `data` is filled for fields; the file's content goes by."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    name: str = ""
    file_name: str | None = None

    def read_headers(self) -> None:
        """Know the part's name from its `Content-Disposition`; a path before the file's name is left out."""
        disposition, options = parse_options_header(self.headers.get("content-disposition"))
        if disposition != b"form-data" or b"name" not in options:
            raise BadRequest("Each part of the form needs `Content-Disposition: form-data; name=...`.")
        if self.headers.get("content-transfer-encoding", "").strip().lower() not in _PLAIN_ENCODINGS:
            raise BadRequest("Send the parts of the form as they are, without Content-Transfer-Encoding.")
        self.name = _text(options[b"name"])
        if b"filename" in options:
            self.file_name = _text(options[b"filename"]).replace("\\", "/").rpartition("/")[2]

    def text(self) -> str:
        """A field's value."""
        return _text(bytes(self.data))


class Form:
    """Reads a form once, from its start to its end."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        self.fields: list[Part] = []
        self.file: Part | None = None
        self._body = body
        self._parser = _parser(content_type, self)
        self._content: deque[bytes] = deque()
        self._part = Part()
        self._header = self._value = b""
        self._ended = False

    async def read_fields(self) -> Part:
        """The file's part; all parts before it are in `fields` then."""
        async for chunk in self._body:
            self._write(chunk)
            if self.file:
                return self.file
        raise BadRequest(f"The form has no part named '{FILE_PART}'.") if self._ended else _incomplete()

    async def content(self) -> AsyncIterator[bytes]:
        """The file's bytes; they end only when the whole form was right."""
        while self._content:
            yield self._content.popleft()
        async for chunk in self._body:
            self._write(chunk)
            while self._content:
                yield self._content.popleft()
        if not self._ended:
            raise _incomplete()

    def _write(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise BadRequest(f"The body is not the form that its Content-Type announces: {error}.") from None

    # --- what the parser finds

    def on_part_begin(self) -> None:
        """A part begins."""
        if len(self.fields) >= FIELDS_LIMIT:
            raise BadRequest(f"The form has more than {FIELDS_LIMIT} fields.")
        self._part = Part()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's name."""
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's value."""
        self._value += data[start:end]

    def on_header_end(self) -> None:
        """A header is complete."""
        self._part.headers[self._header.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._header = self._value = b""

    def on_headers_finished(self) -> None:
        """The part's content follows. The file comes last: what is said of it must be known before it is stored."""
        self._part.read_headers()
        if self.file:
            again = self._part.name == FILE_PART
            raise BadRequest(
                "A form holds one file; send several in several requests."
                if again
                else f"The part '{self._part.name[:64]}' must come before the part '{FILE_PART}'."
            )
        if self._part.name == FILE_PART:
            self.file = self._part
        else:
            self.fields.append(self._part)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """A piece of the part's content."""
        if self.file:
            self._content.append(data[start:end])
            return
        self._part.data += data[start:end]
        if sum(len(part.data) for part in self.fields) > FIELDS_LIMIT_BYTES:
            raise BadRequest(f"The fields of the form hold more than {FIELDS_LIMIT_BYTES} bytes.")

    def on_end(self) -> None:
        """The closing boundary was read."""
        self._ended = True


def _parser(content_type: str, form: Form) -> MultipartParser:
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise BadRequest("The Content-Type of a form needs a boundary.")
    try:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": form.on_part_begin,
                "on_part_data": form.on_part_data,
                "on_header_field": form.on_header_field,
                "on_header_value": form.on_header_value,
                "on_header_end": form.on_header_end,
                "on_headers_finished": form.on_headers_finished,
                "on_end": form.on_end,
            },
        )
    except FormParserError as error:
        raise BadRequest(f"The boundary of the form cannot be used: {error}.") from None


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadRequest("The fields and names of a form are UTF-8.") from None


def _incomplete() -> IncompleteBody:
    return IncompleteBody("The form ended before its closing boundary.")
