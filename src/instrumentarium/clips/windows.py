"""Windows: the model inputs cut from a clip."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from instrumentarium.runtime.errors import UserError


class WindowError(UserError, ValueError):
    """Windows of the length asked for cannot be cut from the clips at hand."""


def check_window_length(length_s: float, durations_s: Iterable[float]) -> None:
    """Make sure that a window is no longer than every clip: most of what a model then saw would be filled-up silence.

    Raises:
        WindowError: if it is, with the length of the longest clip.
    """
    longest = max(durations_s, default=0.0)
    if 0 < longest < length_s:
        raise WindowError(
            f"windows.length_s is {length_s:g}, and the longest clip lasts {longest:.2f} s; set it to that or less, and "
            "windows.hop_s to no more than it"
        )


def window_starts(samples: int, length: int, hop: int) -> list[int]:
    """Return where windows of `length` samples start in a clip of `samples`, so that every sample lies in one.

    Windows are `hop` apart; the last one ends where the clip ends. A clip no longer than a window has one, at 0.
    """
    if samples <= length:
        return [0]
    starts = list(range(0, samples - length + 1, hop))
    if starts[-1] + length < samples:
        starts.append(samples - length)
    return starts


def cut_window(samples: npt.NDArray[np.int16], start: int, length: int) -> npt.NDArray[np.int16]:
    """Return (length,) samples from `start`, filled up with silence where the clip ends earlier."""
    window = samples[start : start + length]
    if len(window) < length:
        window = np.pad(window, (0, length - len(window)))
    return window
