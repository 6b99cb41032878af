"""Pitch classes: how much each bin of a spectrum tells of each, as librosa.filters.chroma has it, from C upwards.

Source: Ellis: Chroma feature analysis and synthesis, 2007.
"""

import torch
from torch import Tensor

CLASSES = 12
C_HZ = 440.0 * 2 ** (-9 / 12) / 16
"""A C below the audible range."""
CENTRE_OCTAVE, OCTAVES = 5.0, 2.0
"""Bins count by a Gaussian around this octave, of this deviation: 500 Hz and below tell more of harmony than 5 kHz."""
A0_HZ = 27.5


def chroma_filters(sample_rate_hz: int, n_fft: int) -> Tensor:
    """Return each bin's weight in each pitch class, (12, bins), a tuning of 440 Hz assumed."""
    frequencies = torch.arange(1, n_fft, dtype=torch.float64) * sample_rate_hz / n_fft
    semitones = CLASSES * (frequencies / A0_HZ).log2()  # above A0
    semitones = torch.cat([semitones[:1] - 1.5 * CLASSES, semitones])  # 0 Hz counts as an octave and a half below
    widths = torch.cat([semitones.diff().clamp(min=1.0), torch.ones(1)])
    half = CLASSES // 2
    distance = semitones[None, :] - torch.arange(CLASSES, dtype=torch.float64)[:, None]
    distance = torch.remainder(distance + half + 10 * CLASSES, CLASSES) - half
    weights = (-0.5 * (2 * distance / widths).square()).exp()
    weights = weights / weights.norm(dim=0)
    weights = weights * (-0.5 * ((semitones / CLASSES - CENTRE_OCTAVE) / OCTAVES).square()).exp()
    from_c: Tensor = weights.roll(-3, dims=0)[:, : n_fft // 2 + 1]
    return from_c.float()


def pitch_classes(frequencies_hz: Tensor) -> Tensor:
    """Return the pitch class nearest to each frequency, 0 for C to 11 for B."""
    return (CLASSES * (frequencies_hz / C_HZ).log2()).round().long() % CLASSES
