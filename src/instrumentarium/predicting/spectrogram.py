"""A spectrogram to look at, of a recording of any length: mel power in dB below the recording's peak."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from instrumentarium.decoding.stream import SampleStream
from instrumentarium.frontends.display import display_frontend
from instrumentarium.frontends.waveforms import to_waveforms

COLUMNS = 1200
"""At most."""
RANGE_DB = 80.0


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """Mel power over a whole recording."""

    decibels: npt.NDArray[np.float32]  # (bands, columns), from -RANGE_DB to 0
    centres_hz: npt.NDArray[np.float32]  # (bands,), rising


def compute_spectrogram(stream: SampleStream, duration_s: float) -> Spectrogram:
    """Return the spectrogram of a recording, computed in one pass and flat memory; columns are means over their frames."""
    frontend = display_frontend(stream.sample_rate_hz)
    frame_s, centres_hz = frontend.power_axes.frame_s, frontend.power_axes.band_centres_hz.numpy()
    columns = max(1, min(COLUMNS, math.floor(duration_s / frame_s)))
    power, counts, position = np.zeros((len(centres_hz), columns), np.float32), np.zeros(columns), 0
    for block in stream:
        if not len(block):
            continue
        with torch.inference_mode():
            frames = frontend.power(to_waveforms(torch.from_numpy(block)[None]))[0].numpy()  # (bands, frames)
        times_s = position / stream.sample_rate_hz + np.arange(frames.shape[1]) * frame_s
        # A frame on the border of two columns belongs to the second, whatever the last digit says: no column stays empty.
        places = np.clip((times_s / duration_s * columns + 1e-6).astype(np.int64), 0, columns - 1)
        np.add.at(power.T, places, frames.T)
        np.add.at(counts, places, 1)
        position += len(block)
    mean = power / np.maximum(counts, 1).astype(np.float32)
    relative = np.maximum(mean / max(float(mean.max()), 1e-10), 10 ** (-RANGE_DB / 10))
    return Spectrogram(np.asarray(10 * np.log10(relative)), centres_hz)
