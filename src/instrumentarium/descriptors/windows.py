"""Windows to one row of numbers each: how every frame descriptor is distributed over the window's frames."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from instrumentarium.descriptors.frames import FrameDescriptors
from instrumentarium.descriptors.params import DescriptorParams
from instrumentarium.tables.samplestore import FULL_SCALE

Float32 = npt.NDArray[np.float32]

PERCENTILES = (10, 50, 90)
STATISTICS = ("mean", "deviation", *(f"p{percentile}" for percentile in PERCENTILES))


class WindowDescriptors:
    """Windows (batch, samples) int16 → rows (batch, columns) float32: each statistic of each frame descriptor."""

    def __init__(self, params: DescriptorParams, rate_hz: int) -> None:
        self.frames = FrameDescriptors(params, rate_hz)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """What the columns are: <descriptor>_<statistic>, all descriptors of one statistic together."""
        return tuple(f"{name}_{statistic}" for statistic in STATISTICS for name in self.frames.names)

    def __call__(self, windows: npt.NDArray[np.int16]) -> Float32:
        """Return the rows."""
        return summarise_frames(self.frames(windows * np.float32(1 / FULL_SCALE)))


def summarise_frames(values: Float32) -> Float32:
    """Return mean, deviation and percentiles over frames of (windows, frames, descriptors), as STATISTICS orders them."""
    ordered = np.sort(values, axis=1)
    ranks = np.array(PERCENTILES) / 100 * (values.shape[1] - 1)  # as numpy.percentile: linear between neighbours
    below = np.floor(ranks).astype(int)
    above, share = np.minimum(below + 1, values.shape[1] - 1), (ranks - below)[:, None].astype(np.float32)
    percentiles = ordered[:, below] + share * (ordered[:, above] - ordered[:, below])  # (windows, percentiles, …)
    parts = [values.mean(axis=1), values.std(axis=1), percentiles.reshape(len(values), -1)]
    return np.concatenate(parts, axis=1, dtype=np.float32)
