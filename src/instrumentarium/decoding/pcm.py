"""Decoded samples: their peak, their mix to one channel, and what is done where that mix would lose the sound.

Nothing is normalised: loudness stays what it was, except that floats above full scale are scaled down.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.samplestore import FULL_SCALE, SILENT_PEAK

STEPS = 32768
"""Steps of a 16-bit integer from zero to -1, as libsndfile counts them."""
SHORTEST_S = 0.1
"""Clips below 100 ms hold no note that could be recognised."""
SILENT = "silent: its peak lies below -72 dB of full scale"
CANCELLED = 0.01
"""Power of a sum of channels, as a share of the loudest one's, below which they cancel: -20 dB.

One channel that plays alone leaves a share of 1, n that play different things n. Opposite channels leave nothing, or what
joint-stereo coding left of them.
"""
RUN, MOST_RUNS = 32, 256
"""The sums are compared on frames added up in runs, which keeps the lowest part of the band: above some kHz, lossy codings
do not keep how channels lie to each other. A block has many more runs than are needed."""
LARGEST = 1e30
"""Floats beyond this are clipped to it: sums of larger ones overflow."""

Pcm = npt.NDArray[np.int16] | npt.NDArray[np.float32]
"""Decoded samples, (frames, channels): 16-bit integers, or float32 with full scale at ±1."""
Mono = npt.NDArray[np.float32]


class AudioError(UserError, ValueError):
    """Audio that cannot be used; the message is the reason, as rejected.csv states it."""


@dataclass(frozen=True)
class Block:
    """Consecutive samples of a file."""

    samples: Pcm  # (frames, channels)
    sample_rate_hz: int
    bounded: bool  # the coding cannot hold anything beyond full scale


def peak_of(samples: Pcm) -> float:
    """Return the largest magnitude, as a share of full scale; NaN if a sample is NaN."""
    peak = max(float(samples.max()), -float(samples.min()))  # not by abs: it would copy, and leave -32768 negative
    return peak / STEPS if samples.dtype == np.int16 else peak


def mix_down(samples: Pcm) -> Mono:
    """Average the channels of (frames, channels) to (frames,), float32 with full scale at ±1.

    Channel by channel: NumPy's mean along so short an axis takes ten times as long.
    """
    mono: Mono = samples[:, 0].astype(np.float32, copy=False)
    channels = samples.shape[1]
    if channels > 1:
        mono = mono + samples[:, 1]
        for channel in range(2, channels):
            mono += samples[:, channel]
        mono /= np.float32(channels)
    return mono / np.float32(STEPS) if samples.dtype == np.int16 else mono


def to_mono(samples: Pcm, peak: float) -> Mono:
    """Return the mix of (frames, channels), or the loudest channel where the mix cancels.

    Args:
        samples: finite.
        peak: of all of them.
    """
    frames, channels = samples.shape
    runs = frames // RUN
    if channels == 1 or not runs or peak < SILENT_PEAK:
        return mix_down(samples)
    some = samples[: runs * RUN].reshape(runs, RUN, channels)[:: max(1, runs // MOST_RUNS)]
    low = np.ones(RUN, np.float32) @ some.astype(np.float32)  # several times as fast as a sum along so short an axis
    powers = np.square(low, dtype=np.float64).sum(axis=0)
    if np.square(low.sum(axis=1, dtype=np.float64)).sum() >= CANCELLED * powers.max():
        return mix_down(samples)
    loud = int(np.argmax(powers >= 0.5 * powers.max()))  # the first, where several are alike: no switching to and fro
    return mix_down(samples[:, loud : loud + 1])


def is_audible(samples: npt.NDArray[np.int16] | Mono) -> bool:
    """Say whether samples exceed -72 dB of full scale."""
    limit = SILENT_PEAK * STEPS if samples.dtype == np.int16 else SILENT_PEAK
    return bool(len(samples)) and float(max(samples.max(), -samples.min(initial=0.0))) >= limit


def to_int16(mono: Mono) -> npt.NDArray[np.int16]:
    """Round to 16-bit integers; what lies beyond full scale (a resampler's overshoot) is clipped to it."""
    scaled = np.clip(mono * np.float32(FULL_SCALE), -FULL_SCALE, FULL_SCALE)
    return np.asarray(np.rint(scaled), dtype=np.int16)
