"""The addresses of a review and what is answered there; without sockets, so that it can be tested by calls.

All addresses lie below a token that the command prints: whoever does not know it, such as a page of another site in the
same browser, finds nothing. What changes something must besides come from the page itself, and be JSON, which a form of
another site cannot send.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from instrumentarium.drawing.image import spectrogram_png
from instrumentarium.reporting.listening import wav
from instrumentarium.reviewing.questions import Word
from instrumentarium.reviewing.review import Review
from instrumentarium.runtime.jsonfile import JsonError, parse_json

PAGE = Path(__file__).parent / "page"
FILES = {
    "": ("review.html", "text/html; charset=utf-8"),
    "review.css": ("review.css", "text/css; charset=utf-8"),
    "review.js": ("review.js", "text/javascript; charset=utf-8"),
}
GUARDS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every answer: nothing is stored, framed, or sent to another site."""
LONGEST_NOTE = 2000

Method = Literal["GET", "HEAD", "PUT", "DELETE"]


class Decided(BaseModel):
    """What the page sends of a decision."""

    model_config = ConfigDict(extra="forbid", strict=True)

    word: Word
    note: Annotated[str, Field(max_length=LONGEST_NOTE)] = ""


@dataclass(frozen=True)
class Request:
    """What was asked; header names in lower case."""

    method: Method
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What is answered; GUARDS come with it."""

    status: HTTPStatus
    body: bytes
    headers: Mapping[str, str]


class Refused(Exception):  # noqa: N818
    """A request that cannot be met; the page shows the message."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Site:
    """A review behind a token."""

    def __init__(self, review: Review, token: str) -> None:
        self._review = review
        self._token = token

    def answer(self, request: Request) -> Answer:
        """Answer a request.

        Raises:
            OverrideError, OSError: if a decision cannot be written.
        """
        try:
            return self._answer(request)
        except Refused as refused:
            return refusal(refused.status, str(refused))

    def _answer(self, request: Request) -> Answer:
        token, _, rest = request.path.partition("?")[0].removeprefix("/").partition("/")
        if not compare_digest(token.encode(), self._token.encode()):
            raise Refused(
                HTTPStatus.FORBIDDEN,
                "This is no address of the review under way. Open the one that `instrumentarium review` has printed.",
            )
        if request.method in ("PUT", "DELETE"):
            _check_origin(request)
        if rest in FILES:
            _allow(request, "GET", "HEAD")
            name, kind = FILES[rest]
            return _content((PAGE / name).read_bytes(), kind, request)
        if rest == "state":
            _allow(request, "GET", "HEAD")
            return _json(self._review.state())
        found = re.fullmatch(r"questions/(\d{1,9})(?:/(sound\.wav|spectrogram\.png|decision))?", rest)
        if not found or int(found[1]) >= len(self._review):
            raise Refused(HTTPStatus.NOT_FOUND, f"There is nothing at {rest!r}.")
        return self._of_question(int(found[1]), found[2], request)

    def _of_question(self, place: int, what: str | None, request: Request) -> Answer:
        review = self._review
        if what == "decision":
            _allow(request, "PUT", "DELETE")
            pair = review.questions[place].pair
            if request.method == "DELETE":
                review.decisions.withdraw(pair)
            else:
                decided = _decided(request)
                review.decisions.decide(pair, decided.word, decided.note)
            return _json(review.describe(place))
        _allow(request, "GET", "HEAD")
        if what == "sound.wav":
            return _content(wav(review.samples(place), review.sample_rate_hz), "audio/wav", request)
        if what == "spectrogram.png":
            return _content(spectrogram_png(review.samples(place), review.sample_rate_hz), "image/png", request)
        return _json(review.describe(place))


def refusal(status: HTTPStatus, message: str) -> Answer:
    """Return an answer that says what is wrong."""
    return _json({"error": message}, status)


def _allow(request: Request, *methods: Method) -> None:
    if request.method not in methods:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} is not possible here.")


def _check_origin(request: Request) -> None:
    """Refuse what a page of another site sends; programs other than browsers state no origin."""
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    site = request.headers.get("sec-fetch-site", "same-origin")
    if (origin is not None and origin != f"http://{host}") or site not in ("same-origin", "none"):
        raise Refused(HTTPStatus.FORBIDDEN, "Only the review's own page may decide.")


def _decided(request: Request) -> Decided:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A decision is sent as application/json.")
    try:
        return Decided.model_validate(parse_json(request.body))
    except JsonError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, f"The decision is no JSON: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the decision"
        raise Refused(HTTPStatus.BAD_REQUEST, f"{where}: {first['msg']}.") from error


def _json(content: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK) -> Answer:
    body = json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    return Answer(status, body, {"Content-Type": "application/json; charset=utf-8"})


def _content(content: bytes, kind: str, request: Request) -> Answer:
    """Return content, or the part of it that is asked for: without that, browsers cannot seek in sound."""
    headers = {"Content-Type": kind, "Accept-Ranges": "bytes"}
    wanted = request.headers.get("range")
    part = byte_range(wanted, len(content)) if wanted else None
    if part is None:
        return Answer(HTTPStatus.OK, content, headers)
    if part.start >= part.stop:
        return Answer(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", headers | {"Content-Range": f"bytes */{len(content)}"}
        )
    headers |= {"Content-Range": f"bytes {part.start}-{part.stop - 1}/{len(content)}"}
    return Answer(HTTPStatus.PARTIAL_CONTENT, content[part.start : part.stop], headers)


def byte_range(header: str, length: int) -> range | None:
    """Return the bytes a Range header asks for, empty where there are none (RFC 9110, section 14).

    Args:
        header: its value.
        length: of the whole.

    Returns:
        None for what servers are to ignore: another unit, several ranges, a malformed one.
    """
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.strip())
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        return range(max(0, length - int(found[2])), length)
    first, last = int(found[1]), int(found[2] or length - 1)
    if found[2] and last < first:
        return None
    return range(first, min(last + 1, length))
