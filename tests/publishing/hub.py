"""A hub of models on this machine: as much of its interface as a download asks for, over repositories made in the test."""

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves the files of one repository, owner/band, at `main` and at `first`, and remembers which were fetched."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(files)
        self.fetched: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def hub_of(files: Mapping[str, bytes]) -> Iterator[Hub]:
    """Serve `files` meanwhile."""
    with Hub(files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(self.path.partition("?")[0])
        if not re.match(r"/(api/models/)?owner/band(/|$)", path):
            return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        if found := re.fullmatch(r"/api/models/owner/band(/revision/(.+))?", path):
            if found[2] not in {None, "main", "first", COMMIT}:
                return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            siblings = [{"rfilename": name} for name in sorted(self.server.files)]
            return self._send(200, json.dumps({"id": "owner/band", "sha": COMMIT, "siblings": siblings}).encode(), {})
        if path.startswith("/api/models/owner/band/tree/"):
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in sorted(self.server.files.items())
            ]
            return self._send(200, json.dumps(tree).encode(), {})
        name = path.rpartition("/")[2]
        if name not in self.server.files:
            return self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"})
        content = self.server.files[name]
        if self.command == "GET":
            self.server.fetched.append(name)
        etag = hashlib.sha256(content).hexdigest()
        return self._send(200, content, {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
