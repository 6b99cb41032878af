"""By what a float file above full scale is divided: its peak, or where that is a spike, the level below the spike.

A damaged or badly converted float file may hold a few samples of 1e10 or 3e38. Divided by its peak, all else would be
silence. A spike differs from music in its length and height together: the beat of a drum lasts hundreds of samples, and
music does not stay 24 dB below a peak that only a handful of samples reach.
"""

import numpy as np
import numpy.typing as npt

from instrumentarium.decoding.pcm import LARGEST, Pcm

SPIKE_SAMPLES = 64
"""At most so many samples of a recording, all channels together, are a spike: under 1 ms of stereo at 44.1 kHz."""
SPIKE_RATIO = 16.0
"""A spike exceeds the loudest of all other samples, and full scale, by more than this (24 dB)."""


class Loudness:
    """The largest magnitudes above full scale of all that was added."""

    def __init__(self) -> None:
        self._largest: npt.NDArray[np.float32] = np.zeros(0, np.float32)

    def add(self, samples: Pcm, peak: float) -> None:
        """Take the float samples of a block, finite, whose peak is known."""
        if peak <= 1:
            return
        magnitudes = np.abs(samples[np.abs(samples) > 1])
        both = np.concatenate([self._largest, magnitudes])
        kept = SPIKE_SAMPLES + 1
        self._largest = both if len(both) <= kept else np.partition(both, len(both) - kept)[-kept:]

    @property
    def peak(self) -> float:
        """The peak, at least full scale."""
        return min(float(self._largest.max(initial=1.0)), LARGEST)

    @property
    def limit(self) -> float:
        """What samples are limited to and then divided by, at least 1: the peak, or the level below a spike."""
        beyond = float(self._largest.min()) if len(self._largest) > SPIKE_SAMPLES else 1.0
        return beyond if self.peak > SPIKE_RATIO * beyond else self.peak
