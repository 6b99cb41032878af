"""The landmarks of a clip: where in time and frequency its spectrogram peaks.

After Wang, "An industrial-strength audio search algorithm", ISMIR 2003. A peak stays a peak under gain, noise, lossy coding
and resampling, and moves along with the sound. Written here because pyacoustid wants a program or a library that pip does
not install, and audfprint and dejavu are no longer kept up.

Which clips are duplicates decides the split, so all is computed in float64 and decided by comparisons that a gain leaves as
they are: no logarithm, no absolute level.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.ndimage import maximum_filter1d, minimum_filter1d

IntArray = npt.NDArray[np.int64]

WINDOW_S = 0.064
HOP_S = 0.016
LOWEST_HZ = 120.0
HIGHEST_HZ = 5500.0
"""Above, the coarsest codecs keep little."""
REACH_S = 0.1
REACH_HZ = 120.0
"""A landmark is the strongest point as far as this to all four sides: that makes some 40 a second of music."""
PROMINENCE = 1.5
"""Over the weakest power within REACH_S at its frequency: a sustained tone has no moment of its own."""
FLOOR = 1e-5
"""Of the power of the clip's strongest point: 50 dB below it, noise and coding make the peaks."""
BLOCK_FRAMES = 4096
"""Frames whose spectra are in memory at once, some 11 MB: a clip may last hours."""
BINS = round(HIGHEST_HZ * WINDOW_S) - round(LOWEST_HZ * WINDOW_S)


def window_samples(sample_rate_hz: int) -> int:
    """Return the samples of one frame."""
    return round(WINDOW_S * sample_rate_hz)


def hop_samples(sample_rate_hz: int) -> int:
    """Return the samples from one frame's beginning to the next one's."""
    return round(HOP_S * sample_rate_hz)


def count_frames(n_samples: int, sample_rate_hz: int) -> int:
    """Return how many whole frames lie in a clip of `n_samples`."""
    return max(0, (n_samples - window_samples(sample_rate_hz)) // hop_samples(sample_rate_hz) + 1)


def find_landmarks(samples: npt.NDArray[np.int16], sample_rate_hz: int) -> IntArray:
    """Return the landmarks of one clip, (landmarks, 2): frame and frequency bin, sorted by both.

    Bins are 1 / WINDOW_S apart and counted from LOWEST_HZ; there are BINS of them, fewer below 11 kHz sample rate.

    Args:
        samples: (n_samples,); without a whole frame there is no landmark.
        sample_rate_hz: their rate.
    """
    window, reach = window_samples(sample_rate_hz), round(REACH_S / HOP_S)
    if len(samples) < window:
        return np.zeros((0, 2), dtype=np.int64)
    taper = np.array([0.5 - 0.5 * math.cos(2 * math.pi * n / window) for n in range(window)])
    first_bin = round(LOWEST_HZ * WINDOW_S)
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[:: hop_samples(sample_rate_hz)]
    found, strengths, loudest = [], [], 0.0
    for begin in range(0, len(frames), BLOCK_FRAMES):
        before = max(0, begin - reach)  # a peak at the block's edge has neighbours outside
        spectra = fft.rfft(frames[before : begin + BLOCK_FRAMES + reach] * taper, axis=1)[
            :, first_bin : first_bin + BINS
        ]
        power = spectra.real**2 + spectra.imag**2  # (frames, bins)
        highest = maximum_filter1d(power, 2 * reach + 1, axis=0)
        highest = maximum_filter1d(highest, 2 * round(REACH_HZ * WINDOW_S) + 1, axis=1)
        lowest = minimum_filter1d(power, 2 * reach + 1, axis=0)
        peaks = np.argwhere((power == highest) & (power > PROMINENCE * lowest))
        peaks[:, 0] += before
        peaks = peaks[(peaks[:, 0] >= begin) & (peaks[:, 0] < begin + BLOCK_FRAMES)]
        loudest = max(loudest, float(power.max()))
        found.append(peaks)
        strengths.append(power[peaks[:, 0] - before, peaks[:, 1]])
    landmarks, strength = np.concatenate(found), np.concatenate(strengths)
    kept: IntArray = landmarks[strength > FLOOR * loudest]
    return kept
