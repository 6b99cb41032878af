"""The raw waveform as features, for networks that learn their own filters."""

from torch import Tensor

from instrumentarium.frontends.base import FrontEnd, as_float32, mean_power
from instrumentarium.frontends.params import WaveformParams


class Waveform(FrontEnd):
    """Waveforms (batch, samples) at `input_rate_hz` → (batch, samples) at the front end's rate.

    With a relative level every window has a mean power of 1, so that loudness tells nothing.
    """

    def __init__(self, params: WaveformParams, input_rate_hz: int) -> None:
        super().__init__(params.sample_rate_hz, input_rate_hz)
        self.params = params

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the features of `waveforms`."""
        with as_float32(waveforms):
            signal: Tensor = self.resample(waveforms.float())
            # not sqrt, which the processor estimates (`STRICT`)
            return signal * mean_power(signal).rsqrt() if self.params.level == "relative" else signal
