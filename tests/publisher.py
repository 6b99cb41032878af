"""A web server on this machine that serves one file, as badly as a test asks it to."""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Flaw:
    """What is wrong with one answer; an answer without any is that of a good server."""

    status: int | None = None  # in place of the file
    headers: Mapping[str, str] = field(default_factory=dict)
    sends: int | None = None  # bytes of the body; then the connection is closed
    stalls: bool = False  # and instead of being closed, it stays open in silence
    claims: int = 0  # bytes that Content-Length names beyond those there are
    content: bytes | None = None  # the file is another one from this answer on
    etag: str | None = None  # its ETag from this answer on


class Publisher(ThreadingHTTPServer):
    """Serves `content` at every address but /moved, which leads there, and remembers what it was asked for."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.flaws: deque[Flaw] = deque()  # of the next answers to GET, one each
        self.always = Flaw()  # of every other
        self.takes_ranges = True
        self.honours_if_range = True
        self.says_length = True
        self.head_says_length = True
        self.says_content_range = True
        self.chunked = False
        self.etag: str | None = '"first"'
        self.last_modified: str | None = None
        self.encoding: str | None = None
        self.asked: list[Mapping[str, str]] = []  # the headers of each GET that was not redirected
        self.heads = 0
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/archive.zip?download=1"

    @property
    def moved(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/moved"

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for headers in self.asked]


@contextlib.contextmanager
def publishing(content: bytes) -> Iterator[Publisher]:
    """Serve `content` meanwhile."""
    with Publisher(content) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Publisher

    def do_HEAD(self) -> None:
        self.server.heads += 1
        self.send_response(self.server.always.status or 200)
        if self.server.head_says_length:
            self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()

    def do_GET(self) -> None:
        server = self.server
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/archive.zip")
            self.end_headers()
            return
        server.asked.append(dict(self.headers))
        flaw = server.flaws.popleft() if server.flaws else server.always
        server.content = server.content if flaw.content is None else flaw.content
        server.etag = server.etag if flaw.etag is None else flaw.etag
        if flaw.status is not None:
            self.answer(flaw.status, {"Content-Length": "0", **flaw.headers})
            return
        start = self.start()
        if start is not None and start >= len(server.content):
            known = {"Content-Range": f"bytes */{len(server.content)}"} if server.says_content_range else {}
            self.answer(416, {"Content-Length": "0", **known})
            return
        body = server.content[start or 0 :]
        headers = {}
        if server.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif server.says_length:
            headers["Content-Length"] = str(len(body) + flaw.claims)
        if start is not None and server.says_content_range:
            headers["Content-Range"] = f"bytes {start}-{len(server.content) - 1}/{len(server.content)}"
        metadata = {"ETag": server.etag, "Last-Modified": server.last_modified, "Content-Encoding": server.encoding}
        headers |= {name: value for name, value in metadata.items() if value is not None}
        self.protocol_version = "HTTP/1.1" if server.chunked else "HTTP/1.0"
        self.answer(200 if start is None else 206, headers | dict(flaw.headers))
        sent = body if flaw.sends is None else body[: flaw.sends]
        with contextlib.suppress(ConnectionError):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(sent), sent) if server.chunked else sent)
            if server.chunked and flaw.sends is None:
                self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True
        if flaw.stalls:
            self.wfile.flush()
            server.released.wait(10)

    def start(self) -> int | None:
        """Return the first byte that is asked for and granted, None for the whole file."""
        asked, server = self.headers.get("Range"), self.server
        if asked is None or not server.takes_ranges:
            return None
        condition = self.headers.get("If-Range")
        if server.honours_if_range and condition is not None and condition not in {server.etag, server.last_modified}:
            return None
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def answer(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass
