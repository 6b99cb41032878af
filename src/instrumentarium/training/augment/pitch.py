"""Pitch shift and time stretch of waveforms by a phase vocoder (Flanagan, Golden: Phase vocoder, Bell Syst. Tech. J. 1966).

The rows of a batch that are changed are changed by one factor, so that torchaudio's phase vocoder and resampler take them
together; the next batch draws another. A factor of pitch is a ratio of small whole numbers, since the resampler's cost
grows with them: what is drawn is rounded to the nearest one.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor
from torchaudio.functional import phase_vocoder, resample

from instrumentarium.training.augment.base import Augmentation, Domain, change_rows, happens
from instrumentarium.training.augment.params import PitchShiftParams, TimeStretchParams

FRAME_S = 0.064
"""Of a spectrum: long enough to part the partials of low notes."""
OVERLAP = 4
LARGEST_DENOMINATOR = 64
"""Of the ratio by which pitch is shifted: 27 cents from 1 to the next ratio, and less elsewhere."""


@dataclass(frozen=True)
class PitchDraw:
    """Which waveforms are changed, and by what factor of frequency, or of tempo."""

    chosen: Tensor  # (batch,) bool
    factor: Fraction | float


def stretch(waveforms: Tensor, rate: float, sample_rate_hz: int) -> Tensor:
    """Return waveforms (batch, samples) `rate` times as fast at the same pitch, (batch, round(samples / rate))."""
    n_fft = 2 ** round(math.log2(FRAME_S * sample_rate_hz))
    hop = n_fft // OVERLAP
    window = torch.hann_window(n_fft, device=waveforms.device)
    # zeros behind, so that the last samples lie in as many frames as the others
    padded = torch.nn.functional.pad(waveforms, (0, n_fft))
    spectrum = torch.stft(padded, n_fft, hop, window=window, return_complex=True, pad_mode="constant")
    advance = torch.linspace(0, math.pi * hop, n_fft // 2 + 1, device=waveforms.device)[:, None]
    stretched = phase_vocoder(spectrum, rate, advance)
    return torch.istft(stretched, n_fft, hop, window=window, length=round(waveforms.shape[1] / rate))


def fitted(waveforms: Tensor, samples: int) -> Tensor:
    """Return waveforms of so many samples: cut, or filled up with silence."""
    return torch.nn.functional.pad(waveforms[:, :samples], (0, max(samples - waveforms.shape[1], 0)))


class PitchShift(Augmentation):
    """Another pitch at the same tempo: slower by the factor, then resampled to the length from before."""

    domain: Domain = "waveform"

    def __init__(self, params: PitchShiftParams, sample_rate_hz: int) -> None:
        self.params, self.sample_rate_hz = params, sample_rate_hz

    def draw(self, shape: torch.Size, generator: torch.Generator) -> PitchDraw:
        """Draw for a batch (batch, samples); a factor of 1 changes nothing."""
        chosen = happens(self.params.probability, shape[0], generator)
        semitones = (2 * float(torch.rand(1, generator=generator)) - 1) * self.params.semitones
        return PitchDraw(chosen, Fraction(2 ** (semitones / 12)).limit_denominator(LARGEST_DENOMINATOR))

    def apply(self, x: Tensor, draw: PitchDraw) -> Tensor:
        """Return the waveforms with all frequencies times the factor; what rises above Nyquist is gone."""
        factor = Fraction(draw.factor)
        if factor == 1:
            return x

        def shifted(waveforms: Tensor, _: Tensor) -> Tensor:
            slow = stretch(waveforms, float(1 / factor), self.sample_rate_hz)
            return fitted(resample(slow, factor.numerator, factor.denominator), x.shape[1])

        return change_rows(x, draw.chosen, shifted)


class TimeStretch(Augmentation):
    """Another tempo at the same pitch: the window keeps its length, cut where slower and silent at its end where faster."""

    domain: Domain = "waveform"

    def __init__(self, params: TimeStretchParams, sample_rate_hz: int) -> None:
        self.params, self.sample_rate_hz = params, sample_rate_hz

    def draw(self, shape: torch.Size, generator: torch.Generator) -> PitchDraw:
        """Draw for a batch (batch, samples)."""
        chosen = happens(self.params.probability, shape[0], generator)
        rate = self.params.factor ** (2 * float(torch.rand(1, generator=generator)) - 1)
        return PitchDraw(chosen, rate)

    def apply(self, x: Tensor, draw: PitchDraw) -> Tensor:
        """Return the stretched waveforms."""
        rate = float(draw.factor)

        def stretched(waveforms: Tensor, _: Tensor) -> Tensor:
            return fitted(stretch(waveforms, rate, self.sample_rate_hz), x.shape[1])

        return change_rows(x, draw.chosen, stretched)
