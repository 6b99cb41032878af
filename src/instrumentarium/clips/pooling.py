"""Every window of every clip, in order, and what a clip's windows say together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

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


@dataclass(frozen=True)
class WindowSummary:
    """What a clip's windows say together."""

    mean: npt.NDArray[np.float64]  # (clips, values)
    maximum: npt.NDArray[np.float64]  # (clips, values)


def summarise_windows(
    samples: ClipSamples,
    window_samples: int,
    hop_samples: int,
    batch_size: int,
    predict: Callable[[npt.NDArray[np.int16]], npt.NDArray[np.float32]],
) -> WindowSummary:
    """Return mean and maximum of `predict` over the windows of each clip.

    `predict` takes windows, (batch, samples) int16, and returns (batch, values).

    Raises:
        ValueError: if there is no clip.
    """
    if not len(samples):
        raise ValueError("there is no clip to predict for")
    sums: npt.NDArray[np.float64] | None = None
    counts = np.zeros((len(samples), 1))
    for waveforms, owners in iterate_windows(samples, window_samples, hop_samples, batch_size):
        values = predict(waveforms).astype(np.float64)
        if sums is None:
            sums = np.zeros((len(samples), values.shape[1]))
            maximum = np.full_like(sums, -np.inf)
        np.add.at(sums, owners, values)
        np.maximum.at(maximum, owners, values)
        np.add.at(counts, owners, 1)
    assert sums is not None
    return WindowSummary(sums / counts, maximum)
