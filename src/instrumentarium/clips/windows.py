"""Windows: the stretches of a clip that a model hears at once."""

import numpy as np
import numpy.typing as npt


def window_starts(samples: int, length: int, hop: int) -> list[int]:
    """Return where windows of `length` samples start in a clip of `samples`, so that every sample is heard.

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
