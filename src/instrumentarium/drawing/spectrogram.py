"""A log-mel spectrogram to look at, in NumPy: no training, scoring or metric goes through it.

Its resolution is chosen for the eye, not the model's, which often is far coarser. Mel bands are triangles on the HTK
scale (Young et al., The HTK Book), each of area one.
"""

import numpy as np
import numpy.typing as npt

N_FFT = 2048
N_MELS = 96
F_MIN_HZ = 40.0
FLOOR_DB = -80.0
COLUMNS = 400
"""Frames a picture: a longer clip takes longer steps."""


def log_mel(samples: npt.NDArray[np.int16], sample_rate_hz: int) -> npt.NDArray[np.float32]:
    """Return (bands, frames) in dB below the loudest point, down to FLOOR_DB; all FLOOR_DB for silence.

    Frames begin every n_samples / COLUMNS samples; the last is padded with zeros.

    Args:
        samples: (n_samples,), at least one.
        sample_rate_hz: of the samples.
    """
    hop = max(1, -(-len(samples) // COLUMNS))
    starts = np.arange(0, len(samples), hop)
    padded = np.zeros(int(starts[-1]) + N_FFT)
    padded[: len(samples)] = samples / 32768.0
    frames = padded[starts[:, None] + np.arange(N_FFT)] * np.hanning(N_FFT)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2  # (frames, bins)
    bands = power @ mel_filters(sample_rate_hz).T
    loudest = float(bands.max())
    if loudest <= 0:
        return np.full((N_MELS, len(starts)), FLOOR_DB, dtype=np.float32)
    decibels = 10 * np.log10(np.maximum(bands / loudest, 10 ** (FLOOR_DB / 10)))
    return np.ascontiguousarray(decibels.T, dtype=np.float32)


def mel_filters(sample_rate_hz: int) -> npt.NDArray[np.float64]:
    """Return triangular filters, (bands, bins), from F_MIN_HZ to half the sample rate."""
    edges = band_edges_hz(sample_rate_hz)
    bins = np.fft.rfftfreq(N_FFT, 1 / sample_rate_hz)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    filters: npt.NDArray[np.float64] = np.maximum(
        0.0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    )
    return filters * (2 / (high - low))


def band_edges_hz(sample_rate_hz: int) -> npt.NDArray[np.float64]:
    """Return where the triangles begin, peak and end, (bands + 2,): equally spaced in mel."""
    mels = np.linspace(_hz_to_mel(F_MIN_HZ), _hz_to_mel(sample_rate_hz / 2), N_MELS + 2)
    edges: npt.NDArray[np.float64] = 700 * (10 ** (mels / 2595) - 1)
    return edges


def band_of(frequency_hz: float, sample_rate_hz: int) -> float:
    """Return where a frequency lies among the bands, counted from 0 as the rows of `log_mel`."""
    low, high = _hz_to_mel(F_MIN_HZ), _hz_to_mel(sample_rate_hz / 2)
    return float((_hz_to_mel(frequency_hz) - low) / (high - low) * (N_MELS + 1) - 1)


def _hz_to_mel(frequency_hz: float) -> float:
    return float(2595 * np.log10(1 + frequency_hz / 700))
