"""The constant-Q transform on the device, as librosa defines it: bins spaced evenly in pitch, each as wide as the spacing.

Each bin's filter is a Hann window of so many periods of its centre, whose Fourier transform is known in closed form.
librosa computes octave after octave from resampled signals; this is what it approximates.

Sources: Brown: Calculation of a constant Q spectral transform, Journal of the Acoustical Society of America 89 (1), 1991;
Schörkhuber, Klapuri: Constant-Q transform toolbox for music processing, SMC 2010.
"""

import torch
from torch import Tensor

from instrumentarium.frontends.bandpower import BandPower
from instrumentarium.frontends.params import CqtParams

SIDE_LOBES = 8.0
"""How far from its centre a filter is followed, in cycles over its window: side lobes beyond lie 64 dB below."""


class Cqt(BandPower):
    """Waveforms (batch, samples) → (batch, 1, bins, frames) in dB.

    A bin's power is scaled by the length of its window, as by librosa's `scale`: noise is as strong in all bins.
    """

    def __init__(self, params: CqtParams, input_rate_hz: int) -> None:
        steps = torch.arange(params.n_bins, dtype=torch.float64) / params.bins_per_octave
        centres_hz = params.f_min_hz * 2.0**steps
        quality = quality_of(params.bins_per_octave)
        super().__init__(
            params,
            input_rate_hz,
            centres_hz,
            response=lambda relative: hann_response(relative * quality),
            reach=SIDE_LOBES / quality,
            memory_s=quality / params.f_min_hz / 2,
            band_gains=quality * params.sample_rate_hz / centres_hz,
        )


def quality_of(bins_per_octave: int) -> float:
    """Return a bin's centre by its bandwidth, librosa's: the bandwidth is the mean distance to both neighbours."""
    ratio = 2 ** (2 / bins_per_octave)
    return (ratio + 1) / (ratio - 1)


def hann_response(cycles: Tensor) -> Tensor:
    """Return the Fourier transform of a Hann window at frequencies in cycles over its length; 1 at 0."""
    peak_of_neighbour = (cycles.abs() - 1).abs() < 1e-9
    safe = torch.where(peak_of_neighbour, 0.0, cycles)
    return torch.where(peak_of_neighbour, 0.5, torch.sinc(safe) / (1 - safe.square()))
