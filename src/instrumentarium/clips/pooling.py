"""Every window of every clip, in order, and how what a model says of a clip's windows is pooled into one row a clip."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.windows import cut_window, window_starts


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
    values: npt.NDArray[np.floating], pooling: Literal["mean", "max"], owners: npt.NDArray[np.int_] | None = None
) -> npt.NDArray[np.float64]:
    """Return the mean or the maximum of `values`, (windows, values), over windows.

    Args:
        values: a row a window; at least one.
        pooling: which of the two.
        owners: the clip of each window, (windows,), rising, as `iterate_windows` yields them. Every clip has a window.

    Returns:
        (values,) for the windows of one recording; with `owners`, (clips, values).
    """
    values = values.astype(np.float64)
    if owners is None:
        return np.asarray(values.max(axis=0) if pooling == "max" else values.mean(axis=0))
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    if pooling == "max":
        return np.asarray(np.maximum.reduceat(values, starts))
    return np.asarray(np.add.reduceat(values, starts) / np.diff(starts, append=len(owners))[:, None])


@dataclass(frozen=True)
class WindowSummary:
    """The values of clips, pooled over their windows."""

    mean: npt.NDArray[np.float64]  # (clips, values)
    maximum: npt.NDArray[np.float64]  # (clips, values)


def summarise_windows(
    samples: ClipSamples,
    window_samples: int,
    hop_samples: int,
    batch_size: int,
    predict: Callable[[npt.NDArray[np.int16]], npt.NDArray[np.float32]],
) -> WindowSummary:
    """Return mean and maximum of `predict` over the windows of each clip; of one clip at a time, all are in memory.

    `predict` takes windows, (batch, samples) int16, and returns (batch, values).

    Raises:
        ValueError: if there is no clip.
    """
    if not len(samples):
        raise ValueError("there is no clip to predict for")
    means: list[npt.NDArray[np.float64]] = []
    maxima: list[npt.NDArray[np.float64]] = []
    rows: list[npt.NDArray[np.float32]] = []  # of the clip that is not complete yet

    def pool_clip() -> None:
        means.append(pool_windows(np.stack(rows), "mean"))
        maxima.append(pool_windows(np.stack(rows), "max"))
        rows.clear()

    for waveforms, owners in iterate_windows(samples, window_samples, hop_samples, batch_size):
        for owner, row in zip(owners, predict(waveforms), strict=True):
            if owner > len(means):
                pool_clip()
            rows.append(row)
    pool_clip()
    return WindowSummary(np.stack(means), np.stack(maxima))
