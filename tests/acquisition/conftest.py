"""The publisher of archives that the tests of downloads share."""

from collections.abc import Iterator

import numpy as np
import pytest
from publisher import Publisher, publishing

from instrumentarium.acquisition import transfer


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """Return a server with 300,000 random bytes; transfers read them in small pieces."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(transfer, "CHUNK", 2**13)
    with publishing(np.random.default_rng(0).bytes(300_000)) as server:
        yield server


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the waits, in seconds, before further attempts, which are not waited for.

    There are four attempts, two with a server that never answered, and a third of a second of silence is a stall.
    """
    waits: list[float] = []
    monkeypatch.setattr(transfer, "sleep", waits.append)
    monkeypatch.setattr(transfer, "RETRIES", transfer.RETRIES.new(total=3, connect=1))
    monkeypatch.setattr(transfer, "TIMEOUT_S", (15.0, 0.3))
    return waits
