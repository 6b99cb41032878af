"""The server's life: it listens, and on SIGTERM or Ctrl-C takes nothing new and answers what it has."""

import uvicorn

from instrumentarium.predicting.ladder import Files2Table
from instrumentarium.serving.application import build_application
from instrumentarium.serving.limits import Limits
from instrumentarium.serving.service import Service

MOST_CONNECTIONS = 1000
"""Beyond, connections are answered with 503 at once: each takes a file descriptor, whatever it sends."""
GRACE_S = 5.0


def run_server(files2table: Files2Table, limits: Limits, host: str, port: int, *, log_requests: bool) -> bool:
    """Serve until a signal ends it; what is in hand then is answered before. Return whether it ever listened."""
    config = uvicorn.Config(
        build_application(Service(files2table, limits)),
        host=host,
        port=port,
        access_log=log_requests,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=round(limits.request_s + GRACE_S),
    )
    server = uvicorn.Server(config)
    server.run()
    return server.started
