"""Kaldi's filter bank on the device, batched, as networks of speech and audio expect it: AST, and others of its kin.

Frames are not centred and lie wholly within the signal. Each loses its mean, is pre-emphasised and windowed; the power of
its DFT is summed by triangular bands of equal area on the mel scale of O'Shaughnessy; of that the natural logarithm is
taken. There is no dither.

Source: Povey et al.: The Kaldi speech recognition toolkit, ASRU 2011; `torchaudio.compliance.kaldi.fbank` is the reference.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.compliance.kaldi import get_mel_banks

from instrumentarium.frontends.base import PowerFrontEnd, SpectrumAxes, as_float32
from instrumentarium.frontends.params import FbankParams

PREEMPHASIS = 0.97
POVEY = 0.85
"""Povey's window is a Hann window to this power."""
FLOOR = torch.finfo(torch.float32).eps
"""Power below which a band counts as silent: its logarithm is -15.94."""


class FrameSpectrum(nn.Module):
    """Signals (batch, samples) → the power of each bin of their frames, (batch, bins, frames), without Nyquist's.

    A signal shorter than a frame is filled up with silence.
    """

    window: Tensor

    def __init__(self, length: int, hop_length: int, window: str) -> None:
        super().__init__()
        self.length, self.hop_length = length, hop_length
        self.n_fft = 1 << (length - 1).bit_length()
        hann = torch.hann_window(length, periodic=False)
        self.register_buffer("window", hann**POVEY if window == "povey" else hann, persistent=False)

    def filled_up(self, signals: Tensor) -> Tensor:
        """Return signals of at least one frame."""
        filled_up: Tensor = functional.pad(signals, (0, max(0, self.length - signals.shape[1])))
        return filled_up

    def windowed(self, frames: Tensor) -> Tensor:
        """Return frames (..., samples) without their mean, pre-emphasised and windowed; all of it is linear."""
        frames = frames - frames.mean(dim=-1, keepdim=True)
        before = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
        windowed: Tensor = (frames - PREEMPHASIS * before) * self.window
        return windowed

    def forward(self, signals: Tensor) -> Tensor:
        """Return the power."""
        frames = self.filled_up(signals).unfold(1, self.length, self.hop_length)  # (batch, frames, samples)
        spectrum = torch.fft.rfft(self.windowed(frames), n=self.n_fft)[..., :-1]  # (batch, frames, bins)
        power: Tensor = (spectrum.real.square() + spectrum.imag.square()).mT
        return power


class Fbank(PowerFrontEnd):
    """Waveforms (batch, samples) at `input_rate_hz`, full scale ±1 → (batch, 1, bands, frames), natural logarithms.

    Computed in float32 even under mixed precision.
    """

    filters: Tensor

    def __init__(self, params: FbankParams, input_rate_hz: int) -> None:
        super().__init__(params.sample_rate_hz, input_rate_hz)
        self.params = params
        self.spectrum: nn.Module = FrameSpectrum(params.win_length, params.hop_length, params.window)
        n_fft, rate = 1 << (params.win_length - 1).bit_length(), float(params.sample_rate_hz)
        filters, centres = get_mel_banks(
            params.n_mels, n_fft, rate, params.f_min_hz, params.f_max_hz, 100.0, -500.0, 1.0
        )
        self.power_axes = SpectrumAxes(centres[:, 0], params.hop_length / params.sample_rate_hz)
        self.axes, self.rows = self.power_axes, params.n_mels
        self.register_buffer("filters", filters, persistent=False)  # (bands, bins)

    def power(self, waveforms: Tensor) -> Tensor:
        """Return the power in each band, (batch, bands, frames)."""
        with as_float32(waveforms):
            mel: Tensor = self.filters @ self.spectrum(self.resample(waveforms.float()) * self.params.full_scale)
            return mel

    def compress(self, power: Tensor) -> Tensor:
        """Return band powers (batch, bands, frames) as features (batch, 1, bands, frames)."""
        return power.float().clamp(min=FLOOR).log().unsqueeze(1)
