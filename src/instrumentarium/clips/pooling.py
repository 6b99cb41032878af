"""Every window of every clip, in order, and how what a model says of a clip's windows is pooled into one row a clip."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.levels import levels_db, window_weights
from instrumentarium.clips.windows import cut_window, window_starts

LEVELS_AT_ONCE = 64
"""Windows whose levels are computed at a time."""


def iterate_windows(
    samples: ClipSamples, window_samples: int, hop_samples: int, batch_size: int
) -> Iterator[tuple[npt.NDArray[np.int16], npt.NDArray[np.int_]]]:
    """Yield every window of every clip, in order: (batch, samples) int16 and the clip each belongs to, (batch,)."""
    waveforms: list[npt.NDArray[np.int16]] = []
    owners: list[int] = []
    for clip in range(len(samples)):
        whole = samples.read(clip)
        for start in window_starts(len(whole), window_samples, hop_samples):
            waveforms.append(cut_window(whole, start, window_samples))
            owners.append(clip)
            if len(waveforms) == batch_size:
                yield np.stack(waveforms), np.array(owners)
                waveforms, owners = [], []
    if waveforms:
        yield np.stack(waveforms), np.array(owners)


def pool_windows(
    values: npt.NDArray[np.floating],
    pooling: Literal["mean", "max"],
    weights: npt.NDArray[np.float64],
    owners: npt.NDArray[np.int_] | None = None,
) -> npt.NDArray[np.float64]:
    """Return the weighted mean of `values`, (windows, values), over windows, or the maximum of the weighted values.

    Args:
        values: a row a window; at least one.
        pooling: which of the two.
        weights: how much each window counts, (windows,), as `levels.window_weights` returns them.
        owners: the clip of each window, (windows,), rising, as `iterate_windows` yields them. Every clip has a window.

    Returns:
        (values,) for the windows of one recording; with `owners`, (clips, values).
    """
    weighted = values.astype(np.float64) * weights[:, None]
    if owners is None:
        return np.asarray(weighted.max(axis=0) if pooling == "max" else weighted.sum(axis=0) / weights.sum())
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    if pooling == "max":
        return np.asarray(np.maximum.reduceat(weighted, starts))
    return np.asarray(np.add.reduceat(weighted, starts) / np.add.reduceat(weights, starts)[:, None])


def window_levels(
    samples: ClipSamples, window_samples: int, hop_samples: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int_]]:
    """Return the level of every window of every clip in dB, (windows,), and the clip each belongs to, (windows,)."""
    batches = [
        (levels_db(windows), owners)
        for windows, owners in iterate_windows(samples, window_samples, hop_samples, LEVELS_AT_ONCE)
    ]
    levels, owners = zip(*batches, strict=True) if batches else ((), ())
    return np.concatenate([*levels, np.zeros(0)]), np.concatenate([*owners, np.zeros(0, np.int_)])


def loudest_levels(samples: ClipSamples, window_samples: int, hop_samples: int) -> npt.NDArray[np.float64]:
    """Return the level of each clip's loudest window in dB, (clips,)."""
    levels, owners = window_levels(samples, window_samples, hop_samples)
    return np.asarray(np.maximum.reduceat(levels, np.flatnonzero(np.diff(owners, prepend=-1))))


@dataclass(frozen=True)
class WindowSummary:
    """The values of clips, pooled over their windows, each as far as it counts."""

    mean: npt.NDArray[np.float64]  # (clips, values)
    maximum: npt.NDArray[np.float64]  # (clips, values)


def summarise_windows(
    samples: ClipSamples,
    window_samples: int,
    hop_samples: int,
    batch_size: int,
    quietest_db: float,
    predict: Callable[[npt.NDArray[np.int16]], npt.NDArray[np.float32]],
) -> WindowSummary:
    """Return mean and maximum of `predict` over the windows of each clip; of one clip at a time, all are in memory.

    A window that lies `quietest_db` below the loudest of its clip does not count; maxima are of use for values that are
    not negative. `predict` takes windows, (batch, samples) int16, and returns (batch, values).

    Raises:
        ValueError: if there is no clip.
    """
    if not len(samples):
        raise ValueError("there is no clip to predict for")
    means: list[npt.NDArray[np.float64]] = []
    maxima: list[npt.NDArray[np.float64]] = []
    rows: list[npt.NDArray[np.float32]] = []  # of the clip that is not complete yet
    levels: list[float] = []

    def pool_clip() -> None:
        weights = window_weights(np.array(levels), quietest_db)
        means.append(pool_windows(np.stack(rows), "mean", weights))
        maxima.append(pool_windows(np.stack(rows), "max", weights))
        rows.clear()
        levels.clear()

    for waveforms, owners in iterate_windows(samples, window_samples, hop_samples, batch_size):
        for owner, row, level in zip(owners, predict(waveforms), levels_db(waveforms), strict=True):
            if owner > len(means):
                pool_clip()
            rows.append(row)
            levels.append(float(level))
    pool_clip()
    return WindowSummary(np.stack(means), np.stack(maxima))
