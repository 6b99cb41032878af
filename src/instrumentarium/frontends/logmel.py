"""Log-mel spectrograms on the device, as librosa computes them.

Mel bands are triangular and area-normalised (Slaney 1998), the spectrum is the power of a periodic Hann window's DFT, and
the scale is decibels, 10·log10, relative to full scale or to the window's own level, and floored: silence is a number,
not minus infinity.
"""

import math

import torch
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from instrumentarium.frontends.base import PowerFrontEnd, SpectrumAxes, as_float32
from instrumentarium.frontends.level import decibels, reference_of
from instrumentarium.frontends.params import MelParams

KNEE_HZ = 1000.0
KNEE_LOG_SLOPE = 15 * math.log(6.4) / 27
"""Slaney's scale has 15 mel below 1 kHz, and 27 mel above it to a frequency 6.4 times as high."""


class Spectrum(nn.Module):
    """Signals (batch, samples) → the power of each bin of a windowed DFT, (batch, bins, frames).

    The window is a periodic Hann window unless another one, (n_fft,), is given. Frames are centred, so there are
    samples // hop_length + 1 of them; around the signal lies silence, or with `pad_mode` reflect the signal mirrored.
    """

    window: Tensor

    def __init__(self, n_fft: int, hop_length: int, window: Tensor | None = None, pad_mode: str = "constant") -> None:
        super().__init__()
        self.n_fft, self.hop_length, self.pad_mode = n_fft, hop_length, pad_mode
        # Buffers of constants: they follow the device but are rebuilt from the parameters, never stored with weights.
        self.register_buffer("window", torch.hann_window(n_fft) if window is None else window, persistent=False)

    def forward(self, signals: Tensor) -> Tensor:
        """Return the power."""
        spectrum = torch.stft(
            signals,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            window=self.window,
            center=True,
            pad_mode=self.pad_mode,
            return_complex=True,
        )  # (batch, bins, frames)
        power = spectrum.real.square()
        power += spectrum.imag.square()  # in place: one large buffer less
        return power


class LogMel(PowerFrontEnd):
    """Waveforms (batch, samples) at `input_rate_hz`, full scale ±1 → features (batch, 1, bands, frames) in dB.

    Computed in float32 even under mixed precision.
    """

    filters: Tensor

    def __init__(self, params: MelParams, input_rate_hz: int) -> None:
        super().__init__(params.sample_rate_hz, input_rate_hz)
        self.params = params
        self.power_axes = SpectrumAxes(band_centres_hz(params), params.hop_length / params.sample_rate_hz)
        self.axes, self.rows = self.power_axes, params.n_mels
        self.spectrum: nn.Module = Spectrum(params.n_fft, params.hop_length)
        filters = melscale_fbanks(
            n_freqs=params.n_fft // 2 + 1,
            f_min=params.f_min_hz,
            f_max=params.f_max_hz,
            n_mels=params.n_mels,
            sample_rate=params.sample_rate_hz,
            norm="slaney",
            mel_scale="slaney",
        )
        self.register_buffer("filters", filters.T.contiguous(), persistent=False)  # (bands, bins)

    def power(self, waveforms: Tensor) -> Tensor:
        """Return the power in each mel band, (batch, bands, frames)."""
        with as_float32(waveforms):
            mel: Tensor = self.filters @ self.spectrum(self.resample(waveforms.float()))
            return mel

    def compress(self, power: Tensor) -> Tensor:
        """Return band powers (batch, bands, frames) as features (batch, 1, bands, frames) in dB.

        With a relative level, 0 dB is the mean power of the window, and nothing lies more than 80 dB below it: the same
        music at another gain has the same features.
        """
        return decibels(power, reference_of(power, self.params.level)).unsqueeze(1)


def band_centres_hz(params: MelParams) -> Tensor:
    """Return the bands' centres, (bands,) in Hz, rising, on Slaney's scale: linear to 1 kHz, then logarithmic."""
    ends = torch.tensor([params.f_min_hz, params.f_max_hz], dtype=torch.float64)
    low, high = torch.where(ends < KNEE_HZ, ends, KNEE_HZ * (1 + (ends / KNEE_HZ).log() / KNEE_LOG_SLOPE)).tolist()
    mels = torch.linspace(low, high, params.n_mels + 2, dtype=torch.float64)[1:-1]
    return torch.where(mels < KNEE_HZ, mels, KNEE_HZ * ((mels / KNEE_HZ - 1) * KNEE_LOG_SLOPE).exp()).float()
