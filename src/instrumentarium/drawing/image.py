"""A spectrogram as a bare picture, without axes, for pages that put their own axes and a cursor over it."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from instrumentarium.drawing.spectrogram import FLOOR_DB, N_MELS, band_of, log_mel
from instrumentarium.drawing.style import palette_of

FREQUENCIES_HZ = (100, 300, 1000, 3000, 10000)
COLOURS = "magma"
LEVELS = 256


def spectrogram_png(samples: npt.NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """Return the log-mel spectrogram of a clip, one pixel a band and frame, low frequencies below.

    Args:
        samples: (n_samples,), at least one.
        sample_rate_hz: of the samples.
    """
    decibels = log_mel(samples, sample_rate_hz)[::-1]
    levels = np.rint((1 - decibels / FLOOR_DB) * (LEVELS - 1)).astype(np.uint8)
    picture = Image.fromarray(levels, mode="P")
    picture.putpalette([part for colour in palette_of(COLOURS, (), levels=LEVELS, shades=0) for part in colour])
    result = io.BytesIO()
    picture.save(result, format="png")
    return result.getvalue()


def frequency_ticks(sample_rate_hz: int) -> list[tuple[str, float]]:
    """Return labels of round frequencies, and how far up each lies, as a share of the picture's height."""
    shown = [hz for hz in FREQUENCIES_HZ if hz < sample_rate_hz / 2]
    return [(frequency_label(hz), (band_of(hz, sample_rate_hz) + 0.5) / N_MELS) for hz in shown]


def frequency_label(frequency_hz: float) -> str:
    """Say a frequency in as few letters as an axis has room for: 300, 3k."""
    return f"{frequency_hz / 1000:g}k" if frequency_hz >= 1000 else f"{frequency_hz:g}"
