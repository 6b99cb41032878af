"""What front ends of a filter bank have in common: each filter's power, averaged around every frame, in dB."""

from torch import Tensor
from torch.nn import functional

from instrumentarium.frontends.base import PowerFrontEnd, SpectrumAxes, as_float32
from instrumentarium.frontends.filterbank import FilterBank, Response
from instrumentarium.frontends.level import decibels, reference_of
from instrumentarium.frontends.params import FilterBankParams


class BandPower(PowerFrontEnd):
    """Waveforms (batch, samples) at `input_rate_hz`, full scale ±1 → features (batch, 1, bands, frames) in dB.

    High bands' filters are far shorter than the time between frames, so their outputs are taken at `oversampling` places a
    frame, and the power there is averaged. Frames are centred, so there are samples // hop_length + 1 of them. Computed in
    float32 even under mixed precision.
    """

    band_gains: Tensor

    def __init__(
        self,
        params: FilterBankParams,
        input_rate_hz: int,
        centres_hz: Tensor,
        response: Response,
        reach: float,
        memory_s: float,
        band_gains: Tensor,
    ) -> None:
        """Build the front end.

        Args:
            params: of the front end.
            input_rate_hz: of the waveforms.
            centres_hz: of the filters, (bands,), float64, rising.
            response: see `FilterBank`.
            reach: see `FilterBank`.
            memory_s: how far in time the longest filter reaches to either side.
            band_gains: of each band's power, (bands,).
        """
        super().__init__(params.sample_rate_hz, input_rate_hz)
        self.params = params
        self.power_axes = SpectrumAxes(centres_hz.float(), params.hop_length / params.sample_rate_hz)
        self.axes, self.rows = self.power_axes, len(centres_hz)
        self.bank = FilterBank(
            centres_hz,
            response,
            reach,
            params.sample_rate_hz,
            params.hop_length // params.oversampling,
            round(memory_s * params.sample_rate_hz) + params.hop_length,
        )
        self.register_buffer("band_gains", band_gains.float()[:, None], persistent=False)

    def power(self, waveforms: Tensor) -> Tensor:
        """Return the power in each band, (batch, bands, frames)."""
        with as_float32(waveforms):
            outputs = self.bank(self.resample(waveforms.float()))
            power: Tensor = (outputs.real.square() + outputs.imag.square()) * self.band_gains  # (batch, bands, places)
            places = self.params.oversampling
            if places == 1:
                return power
            before = places // 2  # the frame's own place is the first of the later half
            frames = (power.shape[2] - 1) // places + 1
            padded = functional.pad(power, (before, frames * places - before - power.shape[2] + places))
            return padded[..., : frames * places].reshape(*power.shape[:2], frames, places).mean(dim=3)

    def compress(self, power: Tensor) -> Tensor:
        """Return band powers (batch, bands, frames) as features (batch, 1, bands, frames) in dB."""
        power = power.float()
        return decibels(power, reference_of(power, self.params.level)).unsqueeze(1)
