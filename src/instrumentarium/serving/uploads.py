"""The body of a request, raw or as a form, to a file: its bytes are counted as they come."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from instrumentarium.predicting.formats import one_line
from instrumentarium.serving.refusals import BadUploadError, LargeUploadError

FIELD = "file"
"""The one part that a form may have."""
UNNAMED = "-"
"""What a body without a file name is called in its prediction: as standard input is."""
MOST_HEADER_BYTES = 8192
LONGEST_NAME = 200


async def receive(body: AsyncIterator[bytes], headers: Mapping[str, str], path: Path, most_bytes: int) -> str:
    """Write the audio of a body to `path`; return the name the client gave it, which names nothing here.

    Args:
        body: its chunks.
        headers: of the request, by names in lower case.
        path: of the file to write.
        most_bytes: of the body.

    Raises:
        LargeUploadError: if the body has more; before it is read, where it says so itself.
        BadUploadError: if it is empty, or a form without one part named `file`.
    """
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    kind, options = parse_options_header(headers.get("content-type", "").encode("latin-1"))
    with path.open("wb") as file:
        sink: _Raw | _Form = _Raw(file)
        if kind == b"multipart/form-data":
            if not options.get(b"boundary"):
                raise BadUploadError("the form has no boundary in its Content-Type")
            sink = _Form(file, options[b"boundary"])
        count = 0
        async for chunk in body:
            count += len(chunk)
            if count > most_bytes:
                raise _too_large(most_bytes)
            sink.write(chunk)
        name = sink.finish()
        if not file.tell():
            raise BadUploadError("there is no audio in the body: it is empty")
    return name


def _too_large(most_bytes: int) -> LargeUploadError:
    return LargeUploadError(f"the body is larger than {most_bytes / 1e6:g} MB, the most that this server takes")


@dataclass
class _Raw:
    """A body that is the audio itself."""

    file: BinaryIO

    def write(self, chunk: bytes) -> None:
        self.file.write(chunk)

    def finish(self) -> str:
        return UNNAMED


@dataclass
class _Form:
    """A form (RFC 7578) whose one part is the audio."""

    file: BinaryIO
    boundary: bytes
    parts: int = 0
    ended: bool = False
    name: str = UNNAMED
    headers: dict[bytes, bytes] = field(default_factory=dict)
    header: bytes = b""
    value: bytes = b""

    def __post_init__(self) -> None:
        try:
            self.parser = MultipartParser(
                self.boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._data,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise BadUploadError(f"the form cannot be read: {error}") from error

    def write(self, chunk: bytes) -> None:
        try:
            self.parser.write(chunk)
        except FormParserError as error:
            raise BadUploadError(f"the form cannot be read: {error}") from error

    def finish(self) -> str:
        if not self.ended:
            raise BadUploadError(f"the form breaks off, or has no part named {FIELD!r}")
        return self.name

    def _begin(self) -> None:
        self.parts += 1
        if self.parts > 1:
            raise BadUploadError(f"the form has several parts; it may have one, named {FIELD!r}")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self.header = self._bounded(self.header + data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self.value = self._bounded(self.value + data[start:end])

    def _header_end(self) -> None:
        self.headers[self.header.lower()] = self.value
        if len(self.headers) > 16:
            raise BadUploadError("the form's part has more than 16 headers")
        self.header = self.value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self.headers.get(b"content-disposition", b""))
        found = options.get(b"name", b"").decode("utf-8", "replace")
        if found != FIELD:
            raise BadUploadError(f"the form has a part named {found[:40]!r}; it may have one, named {FIELD!r}")
        self.name = shown_name(options.get(b"filename", b"").decode("utf-8", "replace"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.file.write(data[start:end])

    def _end(self) -> None:
        self.ended = self.parts > 0

    @staticmethod
    def _bounded(data: bytes) -> bytes:
        if len(data) > MOST_HEADER_BYTES:
            raise BadUploadError(f"the form's part has a header of more than {MOST_HEADER_BYTES} bytes")
        return data


def shown_name(name: str) -> str:
    """Return a client's file name as it is shown again: without folders, on one line, of bounded length."""
    return one_line(name.replace("\\", "/").rpartition("/")[2])[:LONGEST_NAME] or UNNAMED
