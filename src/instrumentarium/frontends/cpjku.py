"""The log-mel spectrogram that CP-JKU's networks take (PaSST, EfficientAT), on the device, batched.

The waveform is pre-emphasised, whereby its first sample is lost; frames are centred and the signal mirrored at its
ends; the window is a symmetric Hann window, shorter than the transform; bands are Kaldi's; of their power plus 1e-5 the
natural logarithm is taken. Networks take (x + 4.5) / 5 of it: `normalisation` with mean -4.5 and std 5.

Source: Koutini, Schlüter, Eghbal-zadeh, Widmer: Efficient training of audio transformers with patchout, Interspeech 2022;
`models/preprocess.py` of github.com/fschmid56/EfficientAT, whose random shifts of the bands' range are left out.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.compliance.kaldi import get_mel_banks

from instrumentarium.frontends.base import PowerFrontEnd, SpectrumAxes, as_float32
from instrumentarium.frontends.logmel import Spectrum
from instrumentarium.frontends.params import CpjkuParams

PREEMPHASIS = 0.97
OFFSET = 1e-5
"""Added to power before the logarithm: silence is -11.5."""


class CpjkuMel(PowerFrontEnd):
    """Waveforms (batch, samples) at `input_rate_hz`, full scale ±1 → (batch, 1, bands, frames), natural logarithms.

    Computed in float32 even under mixed precision. A waveform too short to be mirrored is filled up with silence.
    """

    filters: Tensor

    def __init__(self, params: CpjkuParams, input_rate_hz: int) -> None:
        super().__init__(params.sample_rate_hz, input_rate_hz)
        self.params = params
        margin = params.n_fft - params.win_length
        window = functional.pad(
            torch.hann_window(params.win_length, periodic=False), (margin // 2, margin - margin // 2)
        )
        self.spectrum: nn.Module = Spectrum(params.n_fft, params.hop_length, window, "reflect")
        filters, centres = get_mel_banks(
            params.n_mels,
            params.n_fft,
            float(params.sample_rate_hz),
            params.f_min_hz,
            params.f_max_hz,
            100.0,
            -500.0,
            1.0,
        )
        self.power_axes = SpectrumAxes(centres[:, 0], params.hop_length / params.sample_rate_hz)
        self.axes, self.rows = self.power_axes, params.n_mels
        self.register_buffer("filters", functional.pad(filters, (0, 1)), persistent=False)  # (bands, bins)

    def power(self, waveforms: Tensor) -> Tensor:
        """Return the power in each band, (batch, bands, frames)."""
        with as_float32(waveforms):
            signals = self.resample(waveforms.float())
            signals = functional.pad(signals, (0, max(0, self.params.n_fft // 2 + 2 - signals.shape[1])))
            mel: Tensor = self.filters @ self.spectrum(signals[:, 1:] - PREEMPHASIS * signals[:, :-1])
            return mel

    def compress(self, power: Tensor) -> Tensor:
        """Return band powers (batch, bands, frames) as features (batch, 1, bands, frames)."""
        return (power.float() + OFFSET).log().unsqueeze(1)
