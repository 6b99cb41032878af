"""The publisher of archives that the tests of downloads share."""

from collections.abc import Iterator

import numpy as np
import pytest
from publisher import Publisher, publishing

from instrumentarium.acquisition import transfer
from instrumentarium.acquisition.transfer import Patience


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """Return a server with 300,000 random bytes; transfers read them in small pieces."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(transfer, "CHUNK", 2**13)
    with publishing(np.random.default_rng(0).bytes(300_000)) as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    """Return the waits, in seconds, that `patience` was asked for and did not take."""
    return []


@pytest.fixture
def patience(waits: list[float]) -> Patience:
    """Return a patience that never sleeps and takes half a second of silence for a stall."""
    return Patience(attempts=4, attempts_unanswered=2, read_timeout_s=0.3, sleep=waits.append)
