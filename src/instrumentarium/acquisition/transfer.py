"""One file over HTTP, whole, however often the connection breaks.

urllib3's own retry adapter ends where the headers have come, and a body of gigabytes breaks off later. So requests sends
without it, and its retry policy (`Retry`) counts and spaces the attempts at both. What has come lies in a `.part` file, and
the server's metadata of the file beside it (`.part.json`), so that the next attempt, or the next process, asks for the rest
of the very same file (RFC 9110, 13.1.5 If-Range and 14 Range). Bytes are kept as they come over the wire: ranges and
lengths count those. Whether they are the right ones is the caller's to verify.
"""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import sleep

import requests
from requests import exceptions
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ConnectTimeoutError, HTTPError, InvalidHeader, MaxRetryError
from urllib3.util import Retry

from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.jsonfile import read_json
from instrumentarium.runtime.progress import progress_bar

logger = logging.getLogger(__name__)

CHUNK = 2**17
HEADERS = {
    "User-Agent": "instrumentarium",  # Zenodo turns requests' own name away, with 403 or 429
    "Accept-Encoding": "identity",  # a stream compressed on the way could be neither measured nor resumed
}
TIMEOUT_S = (15.0, 60.0)
"""To connect, and without a byte."""
RETRIES = Retry(
    total=11,  # since the last attempt that brought new bytes: a publisher has some twenty minutes to come back
    connect=3,  # of a server that has not answered once: most likely there is no network
    status_forcelist={408, 425, 429, *range(500, 600)},
    backoff_factor=1.0,  # seconds before the first repetition, doubled with every further one
    backoff_max=300.0,
)
RETRY_AFTER_MAX_S = 900.0
NON_RETRYABLE = (
    *(exceptions.SSLError, exceptions.TooManyRedirects, exceptions.InvalidURL),
    *(exceptions.InvalidSchema, exceptions.MissingSchema, exceptions.InvalidProxyURL),
)


@dataclass(frozen=True)
class RemoteFile:
    """A server's metadata of the file whose beginning a `.part` file holds. `length` counts the bytes on the wire."""

    url: str
    etag: str | None
    last_modified: str | None
    length: int | None
    encoding: str  # Content-Encoding; identity where there is none

    @property
    def validator(self) -> str | None:
        """What If-Range may name: a strong ETag, else the date of the last change."""
        return self.etag if self.etag is not None and not self.etag.startswith("W/") else self.last_modified

    def conflicts_with(self, other: "RemoteFile") -> bool:
        """Whether the two cannot be of one and the same file; what only one of them has decides nothing."""
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return any(mine != theirs for mine, theirs in pairs if mine is not None and theirs is not None)


class TransferError(Exception):
    """A transfer that was given up; the message says why, the caller knows what it was for."""


class TransientError(Exception):
    """An attempt that failed in a way the next one may not; without a response where the server did not answer."""

    def __init__(self, reason: str, response: BaseHTTPResponse | None) -> None:
        super().__init__(reason)
        self.response = response


def metadata_path(part: Path) -> Path:
    """Return where the metadata of a `.part` file lies."""
    return part.with_name(f"{part.name}.json")


def read_metadata(part: Path) -> RemoteFile | None:
    """Return the metadata of a `.part` file, or None where there is none that can be read."""
    try:
        return RemoteFile(**read_json(metadata_path(part)))  # type: ignore[arg-type]
    except (OSError, ValueError, TypeError):
        return None


def size_of(part: Path) -> int:
    """Return how many bytes have come so far."""
    return part.stat().st_size if part.exists() else 0


def discard(part: Path) -> None:
    """Remove a `.part` file and its metadata; the file first, since metadata without it harm nobody."""
    part.unlink(missing_ok=True)
    metadata_path(part).unlink(missing_ok=True)


def transfer(url: str, part: Path, require_space: Callable[[int], None]) -> str:
    """Bring all of what lies at `url` into `part`, going on from what it holds, and return its Content-Encoding.

    `require_space` is called with the number of bytes still to come, wherever the server states it, before any is written;
    what it raises ends the transfer. On any error, and on Ctrl-C, `part` keeps what has come.

    Raises:
        TransferError: if the server refuses, cannot be reached, or fails more often than RETRIES allows.
    """
    known = read_metadata(part)
    if known is not None and known.url != url:
        discard(part)
    retries, furthest, answered = RETRIES, size_of(part), False
    while True:
        try:
            return _attempt(url, part, require_space)
        except TransientError as error:
            if size_of(part) > furthest:
                retries, furthest = RETRIES, size_of(part)
            answered = answered or error.response is not None
            retries = retries.new(connect=None) if answered else retries
            try:
                retries = retries.increment("GET", url, error=None if answered else ConnectTimeoutError())
            except MaxRetryError:
                raise TransferError(f"{error}; given up after {len(retries.history) + 1} attempts") from error
            left = min(count for count in (retries.total, retries.connect) if count is not None)
            wait_s, attempt = seconds_to_wait(retries, error.response), len(retries.history) + 1
            logger.warning("%s: %s; attempt %d of %d in %.0f s", part.stem, error, attempt, attempt + left, wait_s)
            sleep(wait_s)


def seconds_to_wait(retries: Retry, response: BaseHTTPResponse | None) -> float:
    """Return how long to wait before the next attempt: as long as the server asks for, within bounds, else ever longer.

    Unlike urllib3's own, the first repetition waits too: a server may drop every connection after a few bytes.
    """
    try:
        asked_s = None if response is None else retries.get_retry_after(response)
    except InvalidHeader:
        asked_s = None
    if asked_s is not None:
        return min(max(asked_s, retries.backoff_factor), RETRY_AFTER_MAX_S)
    return min(retries.backoff_factor * 2.0 ** (len(retries.history) - 1), retries.backoff_max)


def remote_length(url: str) -> int | None:
    """Return how many bytes lie at `url`, or None where the server does not say; it is asked once."""
    try:
        with requests.head(url, headers=HEADERS, timeout=TIMEOUT_S, allow_redirects=True) as response:
            return _whole_number(response.headers.get("Content-Length")) if response.status_code == 200 else None
    except requests.RequestException:
        return None


def _attempt(url: str, part: Path, require_space: Callable[[int], None]) -> str:
    have, known = size_of(part), read_metadata(part)
    if known is not None and have == known.length:
        return known.encoding
    headers = HEADERS | ({"Range": f"bytes={have}-"} if have else {})
    if have and known is not None and known.validator is not None:
        headers["If-Range"] = known.validator
    try:
        response = requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S)
    except NON_RETRYABLE as error:
        raise TransferError(_reason(error)) from error
    except requests.RequestException as error:
        raise TransientError(_reason(error), None) from error
    with response:
        remote = _accept(response, url, part, have, known)
        if response.status_code != 416:
            if remote.length is not None:
                require_space(remote.length - size_of(part))
            if remote != known:
                write_json(metadata_path(part), asdict(remote))
            _append(response, part, remote)
    return remote.encoding


def _accept(response: requests.Response, url: str, part: Path, have: int, known: RemoteFile | None) -> RemoteFile:
    """Return the metadata of an answer that continues `part`, or says that it is complete; else `part` is discarded.

    Raises:
        TransferError: if the server refuses, and would do so again.
        TransientError: if it may answer otherwise next time.
    """
    status, (start, remote) = response.status_code, _remote_file(response, url)
    if status == 200:
        if have:
            changed = known is not None and known.conflicts_with(remote)
            reason = "the file has changed" if changed else "the server sends only whole files"
            logger.warning("%s: %s; the %d bytes that were kept are given up", part.stem, reason, have)
        discard(part)  # before the new metadata are written: an old half must never lie beside them
    elif have and status in {206, 416}:
        complete = status == 416 and remote.length in {None, have}  # nothing lies beyond what has come
        continues = status == 206 and start == have and not (known is not None and known.conflicts_with(remote))
        if not (complete or continues):
            discard(part)
            reason = f"the {have} bytes that were kept do not belong to this file; starting from its beginning"
            raise TransientError(reason, response.raw)
        remote = known if known is not None and (complete or known.length is not None) else remote
    else:
        answer = f"the server answers {status} {response.reason}"
        raise TransientError(answer, response.raw) if RETRIES.is_retry("GET", status) else TransferError(answer)
    return remote


def _append(response: requests.Response, part: Path, remote: RemoteFile) -> None:
    try:
        with part.open("ab") as file, progress_bar(part.stem, "B", total=remote.length, initial=size_of(part)) as bar:
            for chunk in _body(response, part):
                file.write(chunk)
                file.flush()
                bar.update(len(chunk))
    except OSError as error:
        raise TransferError(f"{part} could not be written: {error.strerror}") from error
    if remote.length is not None and size_of(part) < remote.length:
        raise TransientError(f"only {size_of(part)} of {remote.length} bytes have come", response.raw)


def _body(response: requests.Response, part: Path) -> Iterator[bytes]:
    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except (HTTPError, OSError) as error:
        reason = f"the connection broke off after {size_of(part)} bytes ({_reason(error)})"
        raise TransientError(reason, response.raw) from error


def _remote_file(response: requests.Response, url: str) -> tuple[int | None, RemoteFile]:
    """Return the first byte that an answer has of the file, None where it doesn't say, and the file's metadata."""
    headers = response.headers
    start: int | None = 0
    length = _whole_number(headers.get("Content-Length"))
    if response.status_code != 200:
        match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", headers.get("Content-Range", "").strip())
        start, length = (_whole_number(match[1]), _whole_number(match[2])) if match else (None, None)
    encoding = headers.get("Content-Encoding", "").strip().lower() or "identity"
    return start, RemoteFile(url, headers.get("ETag"), headers.get("Last-Modified"), length, encoding)


def _whole_number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _reason(error: BaseException) -> str:
    """Return the text of the innermost of the errors that requests and urllib3 wrap around each other."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__
