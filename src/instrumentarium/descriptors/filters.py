"""Fixed weights of spectral bins, as librosa has them: mel bands, pitch classes, cosines of cepstra, octave bands.

Sources: Slaney: Auditory toolbox, 1998 (mel scale, bands of equal area); Ellis: Chroma feature analysis and synthesis,
2007; Jiang et al.: Music type classification by spectral contrast feature, ICME 2002.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.fft import dct

Float32 = npt.NDArray[np.float32]

KNEE_HZ, KNEE_MEL = 1000.0, 15.0
"""Slaney's scale is linear up to here,"""
LOG_STEP = np.log(6.4) / 27
"""and from there on 27 mel lead to a frequency 6.4 times as high."""
CLASSES = 12
A0_HZ = 27.5
CENTRE_OCTAVE, OCTAVE_WIDTH = 5.0, 2.0
"""Bins count for pitch classes by a Gaussian around this octave, of this deviation."""
LOWEST_BAND_HZ, OCTAVES = 200.0, 6
"""Octave bands of the contrast: one below this frequency, then as many octaves; the last one reaches to the end."""
EXTREME_SHARE = 0.02
"""Of a band's bins: so many make its peak, and its valley."""


def bin_frequencies(rate_hz: int, n_fft: int) -> npt.NDArray[np.float64]:
    """Return the frequency of each bin in Hz, (bins,)."""
    return np.asarray(np.fft.rfftfreq(n_fft, 1 / rate_hz))


def mel_filters(rate_hz: int, n_fft: int, n_mels: int) -> Float32:
    """Return each bin's weight in each mel band, (bins, bands): triangles of equal area from 0 Hz to half the rate."""
    top = rate_hz / 2
    top_mel = top * KNEE_MEL / KNEE_HZ if top < KNEE_HZ else KNEE_MEL + np.log(top / KNEE_HZ) / LOG_STEP
    mels = np.linspace(0.0, top_mel, n_mels + 2)
    edges = np.where(
        mels < KNEE_MEL, mels * KNEE_HZ / KNEE_MEL, KNEE_HZ * np.exp(LOG_STEP * (mels - KNEE_MEL))
    )  # (bands + 2,) in Hz
    ramps = edges[:, None] - bin_frequencies(rate_hz, n_fft)[None, :]
    widths = np.diff(edges)
    rising, falling = -ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]
    weights = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return np.ascontiguousarray(weights.T, dtype=np.float32)


def cepstral_cosines(n_mels: int, n_mfcc: int) -> Float32:
    """Return the orthonormal DCT-II of bands, (bands, coefficients)."""
    return np.ascontiguousarray(dct(np.eye(n_mels), type=2, norm="ortho", axis=1)[:, :n_mfcc], dtype=np.float32)


def chroma_filters(rate_hz: int, n_fft: int) -> Float32:
    """Return each bin's weight in each pitch class, (bins, 12), from C upwards, a tuning of 440 Hz assumed."""
    frequencies = np.arange(1, n_fft) * rate_hz / n_fft
    semitones = CLASSES * np.log2(frequencies / A0_HZ)  # above A0
    semitones = np.concatenate([[semitones[0] - 1.5 * CLASSES], semitones])  # 0 Hz counts as an octave and a half below
    widths = np.concatenate([np.maximum(np.diff(semitones), 1.0), [1.0]])
    half = CLASSES // 2
    distance = semitones[None, :] - np.arange(CLASSES)[:, None]
    distance = np.remainder(distance + half + 10 * CLASSES, CLASSES) - half
    weights = np.exp(-0.5 * (2 * distance / widths) ** 2)
    weights /= np.linalg.norm(weights, axis=0, keepdims=True)
    weights *= np.exp(-0.5 * ((semitones / CLASSES - CENTRE_OCTAVE) / OCTAVE_WIDTH) ** 2)
    return np.ascontiguousarray(np.roll(weights, -3, axis=0)[:, : n_fft // 2 + 1].T, dtype=np.float32)


@dataclass(frozen=True)
class OctaveBand:
    """Bins `first` to `last` (exclusive), of which `extremes` make the peak, and as many the valley."""

    first: int
    last: int
    extremes: int


def octave_bands(rate_hz: int, n_fft: int) -> list[OctaveBand]:
    """Return the bands of the spectral contrast, lowest first; those that begin above half the rate are left out."""
    frequencies = bin_frequencies(rate_hz, n_fft)
    edges = [0.0, *(LOWEST_BAND_HZ * 2.0 ** np.arange(OCTAVES + 1))]
    count = min(OCTAVES, sum(edge < rate_hz / 2 for edge in edges[:-1]) - 1)
    bands = []
    for number, (low, high) in enumerate(itertools.pairwise(edges[: count + 2])):
        inside = np.flatnonzero((frequencies >= low) & (frequencies <= high))
        first = int(inside[0]) - (number > 0)  # a band shares a bin with the one below it
        top = number == count
        last = len(frequencies) if top else int(inside[-1]) + 1
        bands.append(OctaveBand(first, last - (not top), max(round(EXTREME_SHARE * (last - first)), 1)))
    return bands
