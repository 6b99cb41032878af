"""What a front end is: the part of a model that turns waveforms into features, on the device.

Waveforms are (batch, samples) float32 with full scale at ±1. Features are (batch, channels, rows, frames), whose rows are
bands of frequency or coefficients, or (batch, samples).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchaudio.transforms import Resample

from instrumentarium.runtime.errors import UserError

QUIETEST = 1e-8
"""Mean power of the quietest window that is still brought to a common level; silence itself stays below."""
MOST_TAPS = 1 << 22
"""Coefficients of a resampler; 32 kHz to 22.05 kHz take 290,000."""


class ResamplingError(UserError, ValueError):
    """Two sample rates whose ratio takes too large a resampler."""


@dataclass(frozen=True)
class SpectrumAxes:
    """The axes of a spectrum: the centre of each band in Hz, (bands,), rising, and the time between frames."""

    band_centres_hz: Tensor
    frame_s: float


class FrontEnd(nn.Module):
    """Waveforms (batch, samples) at `input_rate_hz` → features.

    Attributes:
        sample_rate_hz: the rate it works at; it resamples on the device.
        axes: those of its features; None where they have no frequency axis.
        channels: of its features.
        rows: of its features' channels, be they bands or coefficients; 0 where features are (batch, samples).
    """

    sample_rate_hz: int
    axes: SpectrumAxes | None
    channels: int
    rows: int

    def __init__(self, sample_rate_hz: int, input_rate_hz: int) -> None:
        super().__init__()
        self.sample_rate_hz, self.axes, self.channels, self.rows = sample_rate_hz, None, 1, 0
        self.resample = nn.Identity() if input_rate_hz == sample_rate_hz else resampler(input_rate_hz, sample_rate_hz)


def resampler(old_hz: int, new_hz: int) -> Resample:
    """Return what resamples waveforms.

    Raises:
        ResamplingError: if the rates have so small a common divisor that it would take more than MOST_TAPS coefficients.
    """
    common = math.gcd(old_hz, new_hz)
    if (taps := old_hz // common * (new_hz // common)) > MOST_TAPS:
        raise ResamplingError(
            f"from {old_hz} Hz to {new_hz} Hz a resampler needs some {taps:,} coefficients (at most {MOST_TAPS:,}), since "
            f"the rates' greatest common divisor is {common}; choose rates such as 32000, 44100 or 22050 Hz"
        )
    return Resample(old_hz, new_hz)


class PowerFrontEnd(FrontEnd):
    """A front end whose features are made of a power spectrum, so that the power can be changed before.

    Attributes:
        power_axes: those of the power; of the features, too, where these are its bands, compressed.
    """

    power_axes: SpectrumAxes

    def power(self, waveforms: Tensor) -> Tensor:
        """Return the power in each band, (batch, bands, frames)."""
        raise NotImplementedError

    def compress(self, power: Tensor) -> Tensor:
        """Return band powers (batch, bands, frames) as features (batch, channels, rows, frames)."""
        raise NotImplementedError

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the features of `waveforms`."""
        return self.compress(self.power(waveforms))


def mean_power(waveforms: Tensor) -> Tensor:
    """Return the mean power of each waveform, (batch, 1), at least QUIETEST."""
    return waveforms.square().mean(dim=1, keepdim=True).clamp(min=QUIETEST)


def as_float32(waveforms: Tensor) -> torch.autocast:
    """Return a context in which front ends compute in float32, even under mixed precision."""
    return torch.autocast(waveforms.device.type, enabled=False)
