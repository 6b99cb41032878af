"""A spectrogram to look at: mel power in dB below the recording's peak. It is no model's front end.

Bands are those of the HTK mel scale, 2595·log10(1 + f/700).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torchaudio.functional import melscale_fbanks

from instrumentarium.predicting.samples import SampleStream
from instrumentarium.tables.samplestore import FULL_SCALE

BANDS = 64
LOWEST_HZ, HIGHEST_HZ = 40.0, 16000.0
FRAME_S = 0.064
"""At least half of this lies in a frame, which is a power of two of samples; frames are a quarter of them apart."""
COLUMNS = 1200
"""At most."""
RANGE_DB = 80.0


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """Mel power over a whole recording."""

    decibels: npt.NDArray[np.float32]  # (bands, columns), from -RANGE_DB to 0
    centres_hz: npt.NDArray[np.float64]  # (bands,), rising


def compute_spectrogram(stream: SampleStream, duration_s: float) -> Spectrogram:
    """Return the spectrogram of a recording, computed in one pass and flat memory; columns are means over their frames."""
    rate_hz = stream.sample_rate_hz
    n_fft = 2 ** math.floor(math.log2(FRAME_S * rate_hz))
    hop = n_fft // 4
    highest_hz = min(HIGHEST_HZ, rate_hz / 2)
    filters = melscale_fbanks(n_fft // 2 + 1, LOWEST_HZ, highest_hz, BANDS, rate_hz).T  # (bands, bins)
    window = torch.hann_window(n_fft)
    columns = max(1, min(COLUMNS, math.floor(duration_s * rate_hz / hop)))
    power, counts, position = np.zeros((BANDS, columns), np.float32), np.zeros(columns), 0
    for block in stream:
        if not len(block):
            continue
        signal = torch.from_numpy(block).float() / FULL_SCALE
        spectrum = torch.stft(signal, n_fft, hop, window=window, pad_mode="constant", return_complex=True)
        frames = (filters @ spectrum.abs().square()).numpy()  # (bands, frames)
        times_s = (position + np.arange(frames.shape[1]) * hop) / rate_hz
        places = np.clip((times_s / duration_s * columns).astype(np.int64), 0, columns - 1)
        np.add.at(power.T, places, frames.T)
        np.add.at(counts, places, 1)
        position += len(block)
    mean = power / np.maximum(counts, 1).astype(np.float32)
    relative = np.maximum(mean / max(float(mean.max()), 1e-10), 10 ** (-RANGE_DB / 10))
    return Spectrogram(np.asarray(10 * np.log10(relative)), _band_centres_hz(highest_hz))


def _band_centres_hz(highest_hz: float) -> npt.NDArray[np.float64]:
    low, high = 2595 * np.log10(1 + np.array([LOWEST_HZ, highest_hz]) / 700)
    return np.asarray(700 * (10 ** (np.linspace(low, high, BANDS + 2)[1:-1] / 2595) - 1))
