"""The server of a review: threads, since a browser asks for sound, picture and text at once."""

import logging
import secrets
import socketserver
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from instrumentarium.reviewing.review import Review
from instrumentarium.reviewing.site import GUARDS, Answer, Method, Request, Site, refusal
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.fulldisk import full_disk

LOG = logging.getLogger(__name__)
LARGEST_BODY = 16 * 1024
QUIET_S = 60
"""A connection on which nothing comes for so long is closed."""


class ServerError(UserError, OSError):
    """The server cannot be started."""


class ReviewServer(ThreadingHTTPServer):
    """A review at an address of this machine, until `shutdown`."""

    daemon_threads = True  # a browser keeps connections open, which must not keep the process alive

    def __init__(self, review: Review, host: str, port: int) -> None:
        """Bind the address; `serve_forever` then answers.

        Args:
            review: the questions.
            host: name or address to be reached at; 127.0.0.1 for this machine only.
            port: 0 takes any free one.

        Raises:
            ServerError: if the address is taken or is not this machine's.
        """
        self.token = secrets.token_urlsafe(16)
        self.site = Site(review, self.token)
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ServerError(
                f"{host}, port {port} cannot be used ({error}); choose another with --port or --host"
            ) from error

    def server_bind(self) -> None:
        """Bind without looking up a name for the address, which takes seconds where nothing answers for names."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that went away in the middle of a request."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        """The page's address."""
        host, port = cast("tuple[str, int]", self.server_address)[:2]
        return f"http://{host}:{port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = QUIET_S
    server: ReviewServer

    def do_GET(self) -> None:
        self._handle("GET")

    def do_HEAD(self) -> None:
        self._handle("HEAD")

    def do_PUT(self) -> None:
        self._handle("PUT")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def _handle(self, method: Method) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True  # what follows cannot be distinguished from the next request
            self._send(
                method, refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {LARGEST_BODY} bytes can be sent.")
            )
            return
        body = self.rfile.read(int(length))
        self._send(method, self._answer(Request(method, self.path, headers, body)))

    def _answer(self, request: Request) -> Answer:
        try:
            return self.server.site.answer(request)
        except (UserError, OSError) as error:
            return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, str(full_disk(error) or error))
        except Exception:
            LOG.exception("review: %s could not be answered", request.method)
            return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "A mistake of the program; the terminal shows which.")

    def _send(self, method: Method, answer: Answer) -> None:
        try:
            self.send_response(answer.status)
            for name, value in (GUARDS | dict(answer.headers)).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if method != "HEAD":
                self.wfile.write(answer.body)
        except ConnectionError:  # the browser has gone on, as when a player is sent elsewhere
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the address holds the token."""
