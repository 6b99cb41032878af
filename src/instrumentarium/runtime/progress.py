"""Progress bars: shown when work takes more than two seconds, quiet where nobody watches."""

import sys
from typing import Any

from tqdm import tqdm

DELAY_S = 2.0
INTERVAL_S = {True: 0.2, False: 15.0}
"""Between two updates: on a terminal, and in a log, where every update is a line."""


def progress_bar(title: str, unit: str, *, total: int | None = None, initial: int = 0) -> "tqdm[Any]":
    """Return a bar to be updated by hand; use it as a context manager."""
    watched = sys.stderr.isatty()
    bar: tqdm[Any] = tqdm(
        desc=title,
        unit="B" if unit == "B" else f" {unit}",
        unit_scale=unit == "B",
        total=total,
        initial=initial,
        delay=DELAY_S,
        mininterval=INTERVAL_S[watched],
        maxinterval=max(10.0, INTERVAL_S[watched]),
        leave=False,
    )
    return bar
