"""A real server in a thread of the test's process, on a port of its own, and a tiny model."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
import uvicorn
from predicting.conftest import model, music, recognizer, song

from instrumentarium.predicting.ladder import Files2Table
from instrumentarium.predicting.loading import load_ladder
from instrumentarium.serving.application import build_application
from instrumentarium.serving.limits import Limits
from instrumentarium.serving.service import Service

__all__ = ["model", "music", "recognizer", "song"]

LIMITS = Limits(upload_mb=2.0, audio_s=60.0, queue=64, request_s=30.0, decoders=1, decode_memory_mb=1000, decode_s=30)


@dataclass(frozen=True)
class Server:
    url: str
    service: Service
    client: httpx.Client

    def predict(self, body: bytes, **options: object) -> httpx.Response:
        return self.client.post("/v1/predict", content=body, **options)  # type: ignore[arg-type]

    def counter(self, name: str, **labels: str) -> float:
        return self.service.monitoring.registry.get_sample_value(f"instrumentarium_{name}", labels) or 0.0


@contextlib.contextmanager
def served(ladder: Files2Table, **limits: object) -> Iterator[Server]:
    service = Service(ladder, replace(LIMITS, **limits))  # type: ignore[arg-type]
    config = uvicorn.Config(build_application(service), port=0, log_level="warning", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, timeout=60) as client:
            yield Server(url, service, client)
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server does not end"


@pytest.fixture
def serve(model: Path) -> Iterator[Callable[..., Server]]:
    """Return what starts a server of the tiny model, or of a ladder, with other limits."""
    with contextlib.ExitStack() as stack:

        def start(ladder: Files2Table | None = None, **limits: object) -> Server:
            return stack.enter_context(served(ladder or load_ladder(model), **limits))

        yield start
