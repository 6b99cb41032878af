"""One file over HTTP, whole, however often the connection breaks.

requests carries a request; going on with a body that broke off is done here. What has come lies in a `.part` file, and
what the server said of the file in a note beside it (`.part.json`), so that the next attempt, or the next process, asks
for the rest of the very same file (RFC 9110, 13.1.5 If-Range and 14 Range). Bytes are kept as they come over the wire:
ranges and lengths count those. Whether they are the right ones is the caller's to verify.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import requests
import urllib3
from urllib3.util import Retry

from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.progress import progress_bar

logger = logging.getLogger(__name__)

CHUNK = 2**17
IDENTITY = "identity"
HEADERS = {
    "User-Agent": "instrumentarium",  # Zenodo turns requests' own name away, with 403 or 429
    "Accept-Encoding": IDENTITY,  # a stream compressed on the way could be neither measured nor resumed
}
TRY_LATER = frozenset({408, 425, 429})
"""Answers besides the 5xx that another attempt may change."""
HOPELESS = (
    *(requests.exceptions.SSLError, requests.exceptions.TooManyRedirects, requests.exceptions.InvalidURL),
    *(requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema, requests.exceptions.InvalidProxyURL),
)


@dataclass(frozen=True)
class Patience:
    """How long a transfer bears with a server. Attempts are counted from the last one that brought new bytes."""

    attempts: int = 12
    attempts_unanswered: int = 4  # of a server that has not answered once: most likely there is no network
    first_wait_s: float = 1.0  # doubled with every further attempt
    longest_wait_s: float = 300.0
    longest_retry_after_s: float = 900.0  # of what a server asks for
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 60.0  # without a byte: the server has stalled
    sleep: Callable[[float], None] = time.sleep

    def wait_s(self, failures: int, retry_after_s: float | None) -> float:
        """Return how long to wait after so many failures in a row, the last of which may have named a time itself."""
        if retry_after_s is not None:
            return min(max(retry_after_s, self.first_wait_s), self.longest_retry_after_s)
        return min(self.first_wait_s * 2.0 ** (failures - 1), self.longest_wait_s)


PATIENCE = Patience()
"""Gives a publisher about twenty minutes to come back."""


@dataclass(frozen=True)
class Note:
    """What a server said of the file whose beginning a `.part` file holds. `length` counts the bytes on the wire."""

    url: str
    etag: str | None
    last_modified: str | None
    length: int | None
    encoding: str  # Content-Encoding; identity where there is none

    @property
    def validator(self) -> str | None:
        """What If-Range may name: a strong ETag, else the date of the last change."""
        return self.etag if self.etag is not None and not self.etag.startswith("W/") else self.last_modified

    def contradicts(self, other: "Note") -> bool:
        """Whether the two cannot be of one and the same file; what only one of them says tells nothing."""
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return any(mine != its for mine, its in pairs if mine is not None and its is not None)


class TransferError(Exception):
    """A transfer that was given up; the message says why, the caller knows what it was for."""


class _SetbackError(Exception):
    """An attempt that failed in a way the next one may not."""

    def __init__(self, reason: str, *, answered: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.answered = answered
        self.retry_after_s = retry_after_s


def note_path(part: Path) -> Path:
    """Return where the note of a `.part` file lies."""
    return part.with_name(f"{part.name}.json")


def size_of(part: Path) -> int:
    """Return how many bytes have come so far."""
    return part.stat().st_size if part.exists() else 0


def discard(part: Path) -> None:
    """Remove a `.part` file and its note; the file first, since a note without it harms nobody."""
    part.unlink(missing_ok=True)
    note_path(part).unlink(missing_ok=True)


def transfer(url: str, part: Path, require_space: Callable[[int], None], patience: Patience = PATIENCE) -> str:
    """Bring all of what lies at `url` into `part`, going on from what it holds, and return its Content-Encoding.

    `require_space` is called with the number of bytes still to come, wherever the server tells it, before any is
    written; what it raises ends the transfer. On any error, and on Ctrl-C, `part` keeps what has come.

    Raises:
        TransferError: if the server refuses, cannot be reached, or fails more often than `patience` allows.
    """
    note = read_note(part)
    if note is not None and note.url != url:
        discard(part)
    furthest, failures, answered = size_of(part), 0, False
    while True:
        try:
            return _attempt(url, part, require_space, patience)
        except _SetbackError as setback:
            failures = 1 if size_of(part) > furthest else failures + 1
            furthest = max(furthest, size_of(part))
            answered = answered or setback.answered
            attempts = patience.attempts if answered else patience.attempts_unanswered
            if failures >= attempts:
                raise TransferError(f"{setback}; given up after {attempts} attempts") from setback
            wait_s = patience.wait_s(failures, setback.retry_after_s)
            logger.warning("%s: %s; attempt %d of %d in %.0f s", part.stem, setback, failures + 1, attempts, wait_s)
            patience.sleep(wait_s)


def remote_length(url: str, patience: Patience = PATIENCE) -> int | None:
    """Return how many bytes lie at `url`, or None where the server does not tell: it is asked once, not urged."""
    timeout = (patience.connect_timeout_s, patience.read_timeout_s)
    try:
        with requests.head(url, headers=HEADERS, timeout=timeout, allow_redirects=True) as response:
            return _whole_number(response.headers.get("Content-Length")) if response.status_code == 200 else None
    except requests.RequestException:
        return None


def read_note(part: Path) -> Note | None:
    """Return the note of a `.part` file, or None where there is none that can be read."""
    try:
        return Note(**json.loads(note_path(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _attempt(url: str, part: Path, require_space: Callable[[int], None], patience: Patience) -> str:
    have, note = size_of(part), read_note(part)
    if note is not None and have == note.length:
        return note.encoding
    headers = dict(HEADERS)
    if have:
        headers["Range"] = f"bytes={have}-"
        if note is not None and note.validator is not None:
            headers["If-Range"] = note.validator
    timeout = (patience.connect_timeout_s, patience.read_timeout_s)
    try:
        response = requests.get(url, headers=headers, stream=True, timeout=timeout)
    except HOPELESS as error:
        raise TransferError(_reason(error)) from error
    except requests.RequestException as error:
        raise _SetbackError(_reason(error), answered=False) from error
    with response:
        if response.status_code == 416 and have:
            return _nothing_left(response, part, have, note)
        if response.status_code == 206 and have:
            said = _rest_of(response, url, part, have, note)
        elif response.status_code == 200:
            said = _whole_of(response, url, part, have, note)
        else:
            _refuse(response)
        if said.length is not None:
            require_space(said.length - size_of(part))
        _append(response, part, said)
    return said.encoding


def _refuse(response: requests.Response) -> None:
    answer = f"the server answers {response.status_code} {response.reason}"
    if response.status_code < 500 and response.status_code not in TRY_LATER:
        raise TransferError(answer)
    try:
        retry_after_s = Retry().get_retry_after(response.raw)
    except urllib3.exceptions.InvalidHeader:
        retry_after_s = None
    raise _SetbackError(answer, answered=True, retry_after_s=retry_after_s)


def _nothing_left(response: requests.Response, part: Path, have: int, note: Note | None) -> str:
    """Judge the answer that a range lies beyond the end: either all is there, or the `.part` is of something else."""
    length = _range(response)[1]
    if length is not None and length != have:
        discard(part)
        raise _SetbackError(f"{have} bytes were kept of a file of {length}; starting from its beginning", answered=True)
    return IDENTITY if note is None else note.encoding


def _rest_of(response: requests.Response, url: str, part: Path, have: int, note: Note | None) -> Note:
    start, length = _range(response)
    said = _note_of(response, url, length)
    if start != have or (note is not None and note.contradicts(said)):
        discard(part)
        reason = f"the rest of the file does not fit the {have} bytes that were kept; starting from its beginning"
        raise _SetbackError(reason, answered=True)
    if note is None:
        write_json(note_path(part), asdict(said))
        return said
    return note if note.length is not None else said


def _whole_of(response: requests.Response, url: str, part: Path, have: int, note: Note | None) -> Note:
    said = _note_of(response, url, _whole_number(response.headers.get("Content-Length")))
    if have:
        changed = note is not None and note.contradicts(said)
        reason = "the file has changed" if changed else "the server sends only whole files"
        logger.warning("%s: %s; the %d bytes that were kept are given up", part.stem, reason, have)
    discard(part)  # before the new note is written: an old half must never lie beside it
    write_json(note_path(part), asdict(said))
    return said


def _append(response: requests.Response, part: Path, said: Note) -> None:
    with (
        part.open("ab") as file,
        progress_bar(part.stem, "B", total=said.length, initial=size_of(part)) as bar,
    ):
        chunks = response.raw.stream(CHUNK, decode_content=False)
        while True:
            try:
                chunk = next(chunks, None)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                reason = f"the connection broke off after {size_of(part)} bytes ({_reason(error)})"
                raise _SetbackError(reason, answered=True) from error
            if chunk is None:
                break
            try:
                file.write(chunk)
                file.flush()
            except OSError as error:
                raise TransferError(f"{part} could not be written: {error.strerror}") from error
            bar.update(len(chunk))
    if said.length is not None and size_of(part) < said.length:
        raise _SetbackError(f"only {size_of(part)} of {said.length} bytes have come", answered=True)


def _note_of(response: requests.Response, url: str, length: int | None) -> Note:
    headers = response.headers
    return Note(
        url=url,
        etag=headers.get("ETag"),
        last_modified=headers.get("Last-Modified"),
        length=length,
        encoding=headers.get("Content-Encoding", "").strip().lower() or IDENTITY,
    )


def _range(response: requests.Response) -> tuple[int | None, int | None]:
    """Return (first byte, length of the whole file) of Content-Range, None where it does not tell."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    return (_whole_number(match[1]), _whole_number(match[2])) if match else (None, None)


def _whole_number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _reason(error: BaseException) -> str:
    """Return the text of the innermost of the errors that requests and urllib3 wrap around each other."""
    inner = getattr(error, "reason", None)
    if not isinstance(inner, BaseException):
        inner = error.args[-1] if error.args else None
    if isinstance(inner, BaseException):
        return _reason(inner)
    text = inner if isinstance(inner, str) else str(error)
    return re.sub(r"^\w+\([^)]*\): ", "", text) or type(error).__name__  # without the connection it names first
