"""What every request passes first and every answer last: an id, a count, headers, and no traceback."""

import logging
import secrets
import time
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from instrumentarium.serving.monitoring import Monitoring

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
log = logging.getLogger(__name__)


def error_answer(status: int, reason: str, request_id: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the one form of all errors."""
    return JSONResponse({"error": reason, "id": request_id}, status, headers)


class Front:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, monitoring: Monitoring) -> None:
        self.app, self.monitoring = app, monitoring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, began, status = secrets.token_hex(8), time.perf_counter(), 0
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        except ClientDisconnect:
            self.monitoring.gone.inc()
            return
        except Exception:
            log.exception("request %s failed", request_id)
            if status:  # an answer has begun: all that can be done is to break it off
                raise
            reason = "the server failed; whoever runs it finds the reason in its log, by this id"
            await error_answer(500, reason, request_id)(scope, receive, send_on)
        route = getattr(
            scope.get("route"), "path", "other"
        )  # never the client's words: each would be a counter of its own
        self.monitoring.requests.labels(route, str(status)).inc()
        self.monitoring.seconds.labels(route).observe(time.perf_counter() - began)
