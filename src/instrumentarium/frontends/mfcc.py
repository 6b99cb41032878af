"""Mel-frequency cepstral coefficients on the device, as librosa computes them.

Source: Davis, Mermelstein: Comparison of parametric representations for monosyllabic word recognition in continuously
spoken sentences, IEEE Transactions on Acoustics, Speech, and Signal Processing 28 (4), 1980.
"""

from torch import Tensor
from torchaudio.functional import create_dct

from instrumentarium.frontends.base import as_float32
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.params import MfccParams


class Mfcc(LogMel):
    """Waveforms (batch, samples) → (batch, 1, coefficients, frames): the orthonormal DCT-II of a log-mel spectrogram.

    The rows are coefficients, so the features have no frequency axis; the mel power that they are made of has.
    """

    dct: Tensor

    def __init__(self, params: MfccParams, input_rate_hz: int) -> None:
        super().__init__(params, input_rate_hz)
        self.axes, self.rows = None, params.n_mfcc
        self.register_buffer("dct", create_dct(params.n_mfcc, params.n_mels, norm="ortho").T, persistent=False)

    def compress(self, power: Tensor) -> Tensor:
        """Return mel powers (batch, bands, frames) as coefficients (batch, 1, coefficients, frames)."""
        with as_float32(power):
            return self.dct @ super().compress(power.float())
