"""Levels of windows, and how much a window counts beside the loudest one of its recording.

A model that normalises the level of each window on its own takes the end of a reverberation for music as loud as any. So
what it says of a window counts only as far as the window is not too soft for its recording. A level is that of the
recording's samples without their mean, so that a constant offset is no sound; all that matters is the distance to the
loudest window, so another gain of the whole changes nothing, and neither does silence before or after.
"""

import numpy as np
import numpy.typing as npt

from instrumentarium.tables.samplestore import FULL_SCALE, SILENT_PEAK

FADE_DB = 10.0
"""Over so many dB above the level at which it no longer counts, a window counts less and less."""
SILENT_DB = -400.0
"""Level of a silent window: far below all that 16 bits hold."""
KNOWN_SHARE, MARGIN_DB = 0.01, 0.5
"""Sums of 100,000 squares in 32 bits are right to 3e-4, so what is at least a hundredth of them is to 0.13 dB."""


def levels_db(windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """Return the level of windows (windows, samples) in dB of full scale, (windows,); of silence SILENT_DB."""
    samples = windows.astype(np.float32) / np.float32(FULL_SCALE)
    samples -= samples.mean(axis=1, keepdims=True)
    sounding = np.maximum(samples.max(axis=1), -samples.min(axis=1)) >= SILENT_PEAK
    powers = np.square(samples).mean(axis=1).astype(np.float64)
    return np.where(sounding, 10 * np.log10(np.where(sounding, powers, 1.0)), SILENT_DB)


def surely_above(windows: npt.NDArray[np.int16], limits_db: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which windows (windows, samples) are louder than their limits, (windows,), however levels are rounded.

    It takes a third of the time of `levels_db`, which knows better of those that are near the limit, or hardly more than
    an offset.
    """
    samples = windows.astype(np.float32)
    count = samples.shape[1]
    means = samples.sum(axis=1, dtype=np.float32).astype(np.float64) / count
    powers = np.array([np.dot(row, row) for row in samples], dtype=np.float64) / count
    varying = powers - np.square(means)
    known = varying > KNOWN_SHARE * powers  # else what is left of the difference is rounding
    sounding = varying > np.square(2 * SILENT_PEAK * FULL_SCALE)  # a peak is no lower than the mean power
    levels = 10 * np.log10(np.where(known, varying, 1.0) / FULL_SCALE**2)
    return np.asarray(known & sounding & (levels > limits_db + MARGIN_DB))


def window_weights(
    levels: npt.NDArray[np.float64], quietest_db: float, owners: npt.NDArray[np.int_] | None = None
) -> npt.NDArray[np.float64]:
    """Return how much each window counts beside the loudest of its recording, (windows,) in [0, 1].

    The loudest one counts fully, and so does each one no softer than FADE_DB above the limit; from there on the weight
    falls in proportion to the decibels.

    Args:
        levels: of windows, (windows,), in dB; at least one.
        quietest_db: the limit: so far below the loudest window of the recording a window no longer counts.
        owners: the recording of each window, (windows,), rising; by default all are of one. Each has a window.
    """
    if owners is None:
        below = levels.max() - levels
    else:
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        below = np.maximum.reduceat(levels, starts)[owners] - levels
    return np.asarray(np.clip((quietest_db - below) / FADE_DB, 0.0, 1.0))
